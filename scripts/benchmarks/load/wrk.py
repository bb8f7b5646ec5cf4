"""Load by wrk (https://github.com/wg/wrk): one thread in C, so that it costs little beside what it measures."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.benchmarks.load.client import BOUNDARY, form
from scripts.benchmarks.load.rows import Row

_SCRIPT = Path(__file__).with_name("photos.lua")


class ToolError(Exception):
    """A tool is missing or failed; the sentence says what to do."""


def require_wrk() -> str:
    """Return wrk's path.

    Raises:
        ToolError: it is not installed.
    """
    path = shutil.which("wrk")
    if path is None:
        raise ToolError("wrk, which makes the load, is not installed; on Debian and Ubuntu: apt-get install wrk")
    return path


def write_bodies(photos: Sequence[bytes], folder: Path) -> None:
    """Write each photo's multipart body as a file of a new folder, for the script."""
    folder.mkdir()
    for number, photo in enumerate(photos):
        (folder / str(number)).write_bytes(form(photo))


def measure(url: str, bodies: Path, *, concurrency: int, seconds: float) -> Row:
    """Keep so many requests under way for so long.

    Args:
        url: with the path.
        bodies: the folder that ``write_bodies`` filled.
        concurrency: connections, each with one request under way.
        seconds: length, in whole seconds.

    Raises:
        ToolError: wrk failed.
    """
    command = [require_wrk(), "--threads=1", f"--connections={concurrency}", f"--duration={max(1, round(seconds))}s"]
    command += ["--timeout=60s", f"--script={_SCRIPT}", url, "--", str(bodies)]
    command += [str(len(list(bodies.iterdir()))), BOUNDARY.decode()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 90, check=False)
    if done.returncode != 0:
        raise ToolError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return parse(done.stdout)


def parse(output: str) -> Row:
    """Return the row of the script's last line.

    wrk's rate counts refused requests too; here only good answers count.

    Raises:
        ToolError: there is no such line.
    """
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise ToolError(f"wrk's script printed nothing; wrk said: {output.strip()}")
    figures: dict[str, Any] = json.loads(lines[-1])
    return Row(
        images_per_second=(figures["answers"] - figures["refused"]) / (figures["microseconds"] / 1e6),
        p50_ms=figures["p50"] / 1000,
        p99_ms=figures["p99"] / 1000,
        failures=figures["refused"] + figures["broken"] + figures["timeouts"],
    )
