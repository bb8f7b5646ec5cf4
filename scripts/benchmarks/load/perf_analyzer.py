"""Straight at the ensembles, without the gateway: by perf_analyzer where it runs, else by this project's own load.

perf_analyzer is NVIDIA's, in C++. The last wheel of tritonclient whose program runs on glibc 2.36 is 2.50; it wants
libb64 and CUDA's runtime, which nvidia-pytriton's wheel carries under another name.
"""

import csv
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from embedded_triton.install.wheel import find_wheel
from scripts.benchmarks.load.perf_data import input_data
from scripts.benchmarks.load.processes import Target
from scripts.benchmarks.load.processes import measure as own_load
from scripts.benchmarks.load.rows import Row
from scripts.benchmarks.load.wrk import ToolError

#: perf_analyzer wants three windows before it says anything.
_WINDOWS = 3


class Direct:
    """Asks Triton by gRPC; ``tool`` says by what."""

    def __init__(self, triton_url: str, photos: Sequence[bytes], folder: Path, program: Path | None) -> None:
        """Prepare the photos.

        Args:
            triton_url: Triton's gRPC address.
            photos: what is asked about, in turn.
            folder: for perf_analyzer's input and its libraries.
            program: perf_analyzer; None takes this project's own load.
        """
        self._url, self._photos, self._program = triton_url, list(photos), None
        self._data = folder / "photos.json"
        self._data.write_text(json.dumps(input_data(photos)), encoding="utf-8")
        self._environment = _with_libraries(folder)
        if program is not None and self._runs(program):
            self._program = program
        self.tool = (
            "perf_analyzer" if self._program else "scripts.benchmarks.load.processes (perf_analyzer does not run here)"
        )

    def measure(self, model: str, *, concurrency: int, seconds: float) -> Row:
        """Keep so many requests under way for so long, the last photo's answer included.

        Raises:
            ToolError: perf_analyzer failed.
        """
        if self._program is None:
            target = Target((self._url,), model)
            found = own_load(target, self._photos, concurrency=concurrency, seconds=seconds, processes=1)
            failures = sum(found.get("failures", {}).values())
            return Row(found["images_per_second"], found["p50_ms"] or 0, found["p99_ms"] or 0, failures)
        for factor in (1, 2, 4):
            # A window in which nothing was answered is an error to it: a slow model then gets longer ones.
            done, report = self._run(self._program, model, concurrency, factor * max(1.0, seconds / _WINDOWS))
            if done.returncode == 0:
                return parse(report)
        raise ToolError(f"perf_analyzer failed: {(done.stdout + done.stderr).strip()[-1000:]}")

    def _run(
        self, program: Path, model: str, concurrency: int, window: float
    ) -> tuple["subprocess.CompletedProcess[str]", str]:
        with tempfile.NamedTemporaryFile(suffix=".csv") as report:
            command = [str(program), "-m", model, "-i", "grpc", "-u", self._url, f"--input-data={self._data}"]
            command += [f"--concurrency-range={concurrency}", f"--measurement-interval={window * 1000:.0f}"]
            # No window is thrown away for being unlike the others: the rounds are what shows how steady it was.
            command += ["--stability-percentage=999", f"--max-trials={_WINDOWS}", "-f", report.name]
            done = subprocess.run(
                command, capture_output=True, text=True, env=self._environment, timeout=120, check=False
            )
            return done, Path(report.name).read_text(encoding="utf-8")

    def _runs(self, program: Path) -> bool:
        try:
            done = subprocess.run(
                [program, "--version"], capture_output=True, env=self._environment, timeout=20, check=False
            )
        except OSError:
            return False
        return done.returncode == 0


def find_perf_analyzer(given: Path | None) -> Path | None:
    """Return the program that was named, or the one on the path."""
    found = shutil.which("perf_analyzer")
    return given or (Path(found) if found else None)


def parse(report: str) -> Row:
    """Return the row of perf_analyzer's CSV report, whose latencies are microseconds.

    Raises:
        ToolError: the report has no row.
    """
    rows = list(csv.DictReader(report.splitlines()))
    if not rows:
        raise ToolError("perf_analyzer reported nothing; give it more seconds")
    (row,) = rows
    return Row(
        images_per_second=float(row["Inferences/Second"]),
        p50_ms=float(row["p50 latency"]) / 1000,
        p99_ms=float(row["p99 latency"]) / 1000,
    )


def _with_libraries(folder: Path) -> dict[str, str]:
    libraries = folder / "libraries"
    libraries.mkdir(exist_ok=True)
    for path in find_wheel().library_path:
        for library in path.glob("libcudart-*.so.12*"):
            (libraries / "libcudart.so.12").unlink(missing_ok=True)
            (libraries / "libcudart.so.12").symlink_to(library)
    earlier = [os.environ["LD_LIBRARY_PATH"]] if os.environ.get("LD_LIBRARY_PATH") else []
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join([str(libraries), *earlier])}
