"""What becomes of the answers when four times as much comes as can be answered?

    bin-it-right dev overload FOLDER --model raw --factor 4 --seconds 60

Measures the capacity with a fixed concurrency, then sends requests at a fixed rate whatever comes
back, then measures the capacity again. Ends with one JSON line.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from embedded_triton.process.process_table import family
from scripts.benchmarks.load.client import PhotoClient, Reply, form
from scripts.benchmarks.load.photos import photos_in

_MOST_TASKS = 4000
_SHARES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))


class Load:
    """Sends the photos in turn to one model and keeps the replies of a phase."""

    def __init__(self, client: PhotoClient, model: str, photos: list[bytes]) -> None:
        self._client = client
        self._path = f"/{model}/predict"
        self._bodies: Iterator[bytes] = itertools.cycle([form(photo) for photo in photos])
        self.replies: list[Reply] = []
        self.errors: Counter[str] = Counter()

    async def send(self) -> None:
        """Send one request."""
        try:
            self.replies.append(await self._client.post(self._path, next(self._bodies)))
        except (OSError, asyncio.IncompleteReadError) as exc:
            self.errors[type(exc).__name__] += 1

    async def closed(self, concurrency: int, seconds: float) -> float:
        """Keep so many requests under way for so long; return the answers a second."""
        self.replies.clear()
        began = time.perf_counter()

        async def keep_sending() -> None:
            while time.perf_counter() < began + seconds:
                await self.send()

        await asyncio.gather(*(keep_sending() for _ in range(concurrency)))
        return _answered(self.replies) / (time.perf_counter() - began)

    async def open(self, rate: float, seconds: float) -> float:
        """Send at a rate, whatever comes back; return the seconds in which all requests were sent."""
        self.replies.clear()
        tasks: set[asyncio.Task[None]] = set()
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            if len(tasks) >= _MOST_TASKS:
                self.errors["not sent: too many wait"] += 1
                continue
            task = asyncio.create_task(self.send())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        sending = time.perf_counter() - began
        await asyncio.gather(*tasks)
        return sending


async def run(given: argparse.Namespace) -> dict[str, Any]:
    """Run all three phases."""
    async with PhotoClient(given.url) as client:
        load = Load(client, given.model, photos_in(given.folder, given.photos))
        await load.closed(given.concurrency, given.measure / 4)
        capacity = await load.closed(given.concurrency, given.measure)
        before = await _memory(client, given.triton_pid)
        rate = capacity * given.factor
        sending = await load.open(rate, given.seconds)
        replies = list(load.replies)
        after = await _memory(client, given.triton_pid)
        again = await load.closed(given.concurrency, given.measure)
    accepted = sorted(reply.seconds for reply in replies if reply.status == 200)
    refused = sorted(reply.seconds for reply in replies if reply.status == 429)
    goodput = len(accepted) / sending
    return {
        "benchmark": "overload",
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "model": given.model,
        "capacity_per_second": round(capacity, 1),
        "offered_per_second": round(rate, 1),
        "sent_per_second": round((len(replies) + load.errors.total()) / sending, 1),
        "seconds": round(sending, 1),
        "goodput_per_second": round(goodput, 1),
        "goodput_of_capacity": round(goodput / capacity, 3),
        "accepted_ms": _percentiles(accepted),
        "refused_ms": _percentiles(refused),
        "statuses": dict(Counter(reply.status for reply in replies)),
        "errors": dict(load.errors),
        "memory_mb_before": before,
        "memory_mb_after": after,
        "capacity_afterwards": round(again, 1),
        "capacity_afterwards_of_capacity": round(again / capacity, 3),
    }


def _answered(replies: list[Reply]) -> int:
    return sum(reply.status == 200 for reply in replies)


def _percentiles(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {name: round(seconds[int(len(seconds) * share)] * 1000, 1) for name, share in _SHARES}


async def _memory(client: PhotoClient, triton_pid: int | None) -> dict[str, float]:
    text = (await client.get("/metrics")).document
    (line,) = [line for line in text.splitlines() if line.startswith("process_resident_memory_bytes ")]
    memory: dict[str, float] = {"gateway": round(float(line.split()[1]) / 1e6)}
    if triton_pid is not None:
        memory["triton"] = round(resident_bytes(triton_pid) / 1e6)
    return memory


def resident_bytes(pid: int) -> int:
    """Return the memory of a process and its descendants, by proportional set sizes.

    Pages that several of the processes share are counted once.
    """
    return sum(_proportional(member) for member in family(pid))


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photos, also in folders below")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--model", default="raw")
    parser.add_argument("--factor", type=float, default=4.0, help="how many times the capacity is offered")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is offered")
    parser.add_argument("--measure", type=float, default=20.0, help="seconds of each measurement of the capacity")
    parser.add_argument("--concurrency", type=int, default=32, help="while the capacity is measured")
    parser.add_argument("--photos", type=int, default=200, help="how many different photos")
    parser.add_argument("--triton-pid", type=int, help="to report its memory and that of its children")
    result = uvloop.run(run(parser.parse_args()))
    print(json.dumps(result), flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
