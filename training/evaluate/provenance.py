"""Where weights came from: the record of their run, without the paths of the machine that ran it."""

import csv
import json
import os
import platform
import shlex
from pathlib import Path
from typing import Any

import torch

from training.dataset.classes import REPOSITORY_ROOT

#: Outside the project a path is kept from its last folder of such a name on.
_LANDMARKS = {"data": "data/processed", "runs": "runs"}


def portable_path(path: str) -> str:
    """Return an absolute path as it would be inside the project, and others as they are.

    Raw data may lie anywhere: ``/elsewhere/data/web/train.parquet`` becomes ``data/processed/web/train.parquet``, where
    ``make data`` puts it.
    """
    pure = Path(path)
    if not pure.is_absolute() and ".." not in pure.parts:
        return path
    if pure.is_relative_to(REPOSITORY_ROOT):
        return str(pure.relative_to(REPOSITORY_ROOT))
    for position in range(len(pure.parts) - 2, -1, -1):
        place = _LANDMARKS.get(pure.parts[position])
        if place is not None:
            return str(Path(place, *pure.parts[position + 1 :]))
    return pure.name


def portable_command(command: str) -> str:
    """Return a command line with every path portable, also in words such as ``--extra=PATH`` and ``name=PATH``."""
    words = []
    for word in shlex.split(command):
        head, equals, tail = word.rpartition("=")
        words.append(head + equals + portable_path(tail))
    return shlex.join(words)


def hardware() -> str:
    """Name what this process computes on: the GPU, or the CPU and the cores that it may use."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_cpu()}, {cores} cores"


def _cpu() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def training_record(run: Path) -> dict[str, Any]:
    """Return what ``run.json`` and ``history.csv`` of a run say: command, recipe, initialisation, epochs and time.

    Raises:
        FileNotFoundError: the folder holds no run.
    """
    record: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record.pop("specification", None)
    for key in ("command", "initial", "initialisation"):
        if record.get(key):
            record[key] = (portable_command if key == "command" else portable_path)(record[key])
    with (run / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {**record, "epochs": len(rows), "seconds": round(sum(float(row["seconds"]) for row in rows))}
