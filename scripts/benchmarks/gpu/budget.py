"""A run of steps that ends by itself: each step is a process with a limit, and what found no time is said."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded_triton.process.program import Program
from scripts.benchmarks.gpu.watch import gpu_name
from scripts.benchmarks.load.progress import say
from scripts.benchmarks.servers import ROOT

#: Seconds that a run may take at most.
LIMIT = 480.0
#: Seconds that a step has to stop what it started, when its time is over.
GRACE = 10.0
_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """One process of a run.

    Attributes:
        name: what it is called in the results.
        command: the program and its arguments; each line that it prints and that is a JSON object is a result.
        seconds: it is stopped after so many.
        variables: of its environment, beside those of the run.
    """

    name: str
    command: Sequence[str]
    seconds: float
    variables: dict[str, str] = field(default_factory=dict)


def module(name: str, *arguments: object) -> list[str]:
    """Return the command that runs a module of this package."""
    return [sys.executable, "-m", f"scripts.benchmarks.gpu.{name}", *map(str, arguments)]


def run(
    name: str, steps: Sequence[Step], *, limit: float = LIMIT, clock: Callable[[], float] = time.monotonic
) -> dict[str, Any]:
    """Run the steps one after the other, print their results as JSON lines, and a last line about all of them.

    Args:
        name: of the run; the steps' output is kept under ``build/gpu/NAME``.
        steps: in their order.
        limit: seconds for all of them. A step that has less than half of its time left is not begun.
        clock: tells seconds.

    Returns:
        What the last line says: date, commit, hardware, and for each step how it ended: ``done``, ``failed``,
        ``stopped`` at its limit, or ``cut``, which never began.
    """
    began = clock()
    ended: dict[str, str] = {}
    for step in steps:
        left = limit - (clock() - began) - GRACE
        if left < step.seconds / 2:
            ended[step.name] = "cut"
        else:
            ended[step.name] = _run(name, step, min(step.seconds, left))
        say(f"{step.name}: {ended[step.name]}")
    document = {
        "benchmark": f"gpu-{name}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(),
        "hardware": {"gpu": gpu_name(), "cores": len(os.sched_getaffinity(0))},
        "steps": ended,
        "seconds": round(clock() - began),
        "limit": limit,
    }
    print(json.dumps(document), flush=True)
    return document


def _run(run_name: str, step: Step, seconds: float) -> str:
    log = ROOT / "build" / "gpu" / run_name / f"{step.name.replace(' ', '-')}.log"
    with Program(step.command, log=log, environment={**os.environ, **step.variables}, grace=GRACE) as program:
        end = time.monotonic() + seconds
        while (status := program.poll()) is None and time.monotonic() < end:
            time.sleep(_POLL)
    for result in results_in(log):
        print(json.dumps({"step": step.name, **result}), flush=True)
    return "stopped" if status is None else "failed" if status else "done"


def results_in(log: Path) -> list[dict[str, Any]]:
    """Return the JSON objects among the lines of a log."""
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{"):
            with suppress(ValueError):
                found.append(json.loads(line))
    return found


def _commit() -> str | None:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or None
