"""Does ``bin-it-right classify FOLDER`` keep the server as busy as a client that does nothing but send?

    python -m scripts.bench.folder FOLDER --rounds 2 --in-flight 16

In turn, in each round, each as a process of its own: the command line classifies the folder into a CSV file; a plain
client with the same photos in memory sends them with as many in flight. The seconds of the command line are those of
its whole process, from the start of Python to the last answer. Ends with one JSON line.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from scripts.bench.client import PhotoClient, form
from scripts.cli.classify.photos import find, read


async def send_all(url: str, model: str, photos: list[bytes], in_flight: int) -> float:
    """Sends all photos and returns how many were answered in a second. Raises AssertionError for any other answer."""
    waiting = iter([form(photo) for photo in photos])

    async def send(client: PhotoClient) -> None:
        for body in waiting:
            reply = await client.post(f"/{model}/predict", body)
            assert reply.status == 200, reply.document

    async with PhotoClient(url) as client, asyncio.TaskGroup() as tasks:
        began = time.perf_counter()
        for _ in range(in_flight):
            tasks.create_task(send(client))
    return len(photos) / (time.perf_counter() - began)


def classify(url: str, model: str, folder: Path, in_flight: int, count: int) -> float:
    """Runs the command line over the folder and returns photos a second of the whole process."""
    words = ["classify", str(folder), "--model", model, "--server", url, "--in-flight", str(in_flight)]
    with tempfile.NamedTemporaryFile(suffix=".csv") as output:
        command = [sys.executable, "-m", "scripts.cli.main", *words, "--format", "csv", "--output", output.name]
        began = time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return count / (time.perf_counter() - began)


def main() -> int:
    """Measures both in turn and prints the ratio of the medians."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.folder", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--model", default="raw")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--only-send", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    url, model, in_flight = arguments.url, arguments.model, arguments.in_flight
    files = list(find([str(arguments.folder)]))
    if not files:
        sys.exit(f"There are no photos in {arguments.folder}.")
    if arguments.only_send:
        print(asyncio.run(send_all(url, model, [read(name) for name in files], in_flight)))
        return 0
    itself = [sys.executable, "-m", "scripts.bench.folder", *sys.argv[1:], "--only-send"]
    command_line, plain = [], []
    for number in range(arguments.rounds):
        command_line.append(classify(url, model, arguments.folder, in_flight, len(files)))
        plain.append(float(subprocess.run(itself, check=True, capture_output=True, text=True).stdout))
        print(f"round {number + 1}: {command_line[-1]:.1f} and {plain[-1]:.1f} photos a second", file=sys.stderr)
    print(
        json.dumps(
            {
                "benchmark": "folder",
                "model": model,
                "photos": len(files),
                "in_flight": in_flight,
                "cores": len(os.sched_getaffinity(0)),
                "classify_per_second": [round(rate, 1) for rate in command_line],
                "plain_per_second": [round(rate, 1) for rate in plain],
                "ratio": round(median(command_line) / median(plain), 3),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
