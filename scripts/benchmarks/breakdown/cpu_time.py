"""What a photo costs in CPU time, process by process.

    bin-it-right dev cpu-time FOLDER --pid PID --model raw --concurrency 16

Asks a running service whose `make run` has the process id PID, and reads /proc before and after. Waiting costs nothing
here: that is the latency breakdown (scripts.benchmarks.breakdown.latency). Prints a table, then one JSON line.
"""

import argparse
import json
import os
import re
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import uvloop

from embedded_triton.process.process_table import family
from scripts.benchmarks.breakdown.latency import MeasurementError, ask, load_arguments
from scripts.benchmarks.load.photos import photos_in

_TICKS = os.sysconf("SC_CLK_TCK")


def role(command: str) -> str:
    """Return what a process of the service does, by its command line."""
    if model := re.search(r"backend_stub .*?/([^/ ]+)/\d+/model\.\S+", command):
        return f"backend of {model[1]}"
    if "tritonserver" in command:
        return "tritonserver"
    return "gateway" if "-m gateway" in command else "supervision"


def cpu_seconds(pid: int) -> dict[str, float]:
    """Return user and system time of ``pid`` and its descendants so far, by what they do."""
    found: defaultdict[str, float] = defaultdict(float)
    for member in family(pid):
        try:
            command = Path(f"/proc/{member}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            fields = Path(f"/proc/{member}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        found[role(command)] += (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def _idle_and_all() -> tuple[int, int]:
    ticks = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the document."""
    photos = photos_in(given.folder, given.photos)
    uvloop.run(ask(given.url, given.model, photos, requests=2 * given.concurrency, concurrency=given.concurrency))
    before, (idle, ticks) = cpu_seconds(given.pid), _idle_and_all()
    if not before:
        raise MeasurementError(f"there is no process {given.pid}")
    began = time.perf_counter()
    uvloop.run(ask(given.url, given.model, photos, requests=given.requests, concurrency=given.concurrency))
    seconds = time.perf_counter() - began
    after, (idle_after, ticks_after) = cpu_seconds(given.pid), _idle_and_all()
    spent = {name: (after[name] - before.get(name, 0)) / given.requests * 1000 for name in after}
    return {
        "benchmark": "cpu_time",
        "date": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "model": given.model,
        "requests": given.requests,
        "concurrency": given.concurrency,
        "images_per_second": round(given.requests / seconds, 1),
        "idle": round((idle_after - idle) / (ticks_after - ticks), 3),
        "milliseconds": {name: round(value, 2) for name, value in sorted(spent.items(), key=lambda item: -item[1])},
    }


def main() -> int:
    """Print table and line; return 1 with a sentence where the service does not answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    load_arguments(parser, requests=1000, concurrency=16)
    parser.add_argument("--pid", type=int, required=True, help="of `make run`, or of what else started all of it")
    try:
        result = run(parser.parse_args())
    except (MeasurementError, OSError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    rows = [f"| {name} | {value:.2f} |" for name, value in result["milliseconds"].items()]
    print("\n".join(["| process | ms of CPU time a photo |", "|---|---|", *rows]))
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
