"""What a photo costs as the work grows: more at a time, larger ones, more replicas. Start-up and memory too.

    python -m scripts.bench.curves FOLDER --output build/curves

Starts the whole service on ports of its own, measures both models, writes a plot for each curve, and ends with one JSON
line. The client is a Python process on the same cores and costs about 0.3 ms a photo: a curve shows how the figures
change, `make bench-gpu` and the other benchmarks how high they are.
"""

import argparse
import asyncio
import io
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import uvloop
from PIL import Image

from embedded_triton.launch import free_ports
from scripts.bench.client import PhotoClient, form
from scripts.bench.memory import resident_bytes
from scripts.bench.photos import photos_in
from scripts.bench.servers import ROOT, StartError, gateways, process, triton

MODELS = ("raw", "pretrained")
#: Width and height; 48 megapixels is a little under the default limit of the gateway.
SIZES = ((548, 365), (1225, 816), (2000, 1500), (4000, 3000), (6000, 4000), (8000, 6000))


class Memory:
    """The most memory that a process and its children had while the body ran, looked at five times a second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._ended = pid, threading.Event()
        self.most_bytes = 0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.most_bytes = max(self.most_bytes, resident_bytes(self._pid))
            if self._ended.wait(0.2):
                return


def of_size(photo: bytes, width: int, height: int) -> bytes:
    """Return a JPEG of this size, tiled from the photo: each pixel costs what a photo's pixel costs."""
    with Image.open(io.BytesIO(photo)) as opened:
        tile = opened.convert("RGB")
    canvas = Image.new("RGB", (width, height))
    for left, top in itertools.product(range(0, width, tile.width), range(0, height, tile.height)):
        canvas.paste(tile, (left, top))
    output = io.BytesIO()
    canvas.save(output, "JPEG", quality=90)
    return output.getvalue()


async def load(
    url: str, model: str, photos: Sequence[bytes], *, in_flight: int, seconds: float
) -> dict[str, float | int | None]:
    """Keep so many requests under way for so long; return throughput, latencies and failures."""
    bodies = itertools.cycle([form(photo) for photo in photos])
    good: list[float] = []
    failures = 0
    began = time.perf_counter()
    async with PhotoClient(url) as client:

        async def keep_asking() -> None:
            nonlocal failures
            while time.perf_counter() - began < seconds:
                try:
                    reply = await client.post(f"/{model}/predict", next(bodies))
                except (OSError, asyncio.IncompleteReadError):
                    failures += 1
                    continue
                if reply.status == 200:
                    good.append(reply.seconds)
                else:
                    failures += 1

        await asyncio.gather(*(keep_asking() for _ in range(in_flight)))
    good.sort()
    return {
        "in_flight": in_flight,
        "photos_per_second": round(len(good) / (time.perf_counter() - began), 2),
        "p50_ms": round(good[len(good) // 2] * 1000, 1) if good else None,
        "p99_ms": round(good[int(len(good) * 0.99)] * 1000, 1) if good else None,
        "failures": failures,
    }


@contextmanager
def service() -> Iterator[tuple[str, int, float]]:
    """Start Triton and the gateway; yields their URL, the process whose children they are, and the seconds it took."""
    port, grpc, http, metrics = free_ports(4)
    variables = {**os.environ, "EMBEDDED_TRITON_GRPC_PORT": str(grpc), "EMBEDDED_TRITON_HTTP_PORT": str(http)}
    variables |= {"EMBEDDED_TRITON_METRICS_PORT": str(metrics), "GATEWAY_LOG_LEVEL": "warning"}
    variables["TRITON_URL"] = f"127.0.0.1:{grpc}"
    command = [sys.executable, "-m", "scripts.cli.serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    with process("service", command, variables) as started:
        started.wait(lambda: uvloop.run(_ready(url)))
        yield url, started.pid, time.monotonic() - began


async def _ready(url: str) -> bool:
    try:
        async with PhotoClient(url) as client:
            return (await client.get("/health/ready")).status == 200
    except (OSError, asyncio.IncompleteReadError):
        return False


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return the document."""
    photos = photos_in(given.folder, given.photos)
    large = {round(width * height / 1e6, 1): of_size(photos[0], width, height) for width, height in SIZES}
    result: dict[str, Any] = {
        "benchmark": "curves",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": len(os.sched_getaffinity(0)),
        "seconds_each": given.seconds,
        "by_in_flight": {model: [] for model in MODELS},
        "by_megapixels": {model: [] for model in MODELS},
    }
    with service() as (url, pid, seconds):
        result["start_seconds"] = round(seconds, 1)
        for model in MODELS:
            uvloop.run(load(url, model, photos, in_flight=8, seconds=1))
        result["memory_mb_idle"] = round(resident_bytes(pid) / 1e6)
        for model, in_flight in itertools.product(MODELS, given.in_flight):
            with Memory(pid) as memory:
                row = uvloop.run(load(url, model, photos, in_flight=in_flight, seconds=given.seconds))
            row["memory_mb"] = round(memory.most_bytes / 1e6)
            print(model, row, file=sys.stderr, flush=True)
            result["by_in_flight"][model].append(row)
        for model, (megapixels, photo) in itertools.product(MODELS, large.items()):
            with Memory(pid) as memory:
                row = uvloop.run(load(url, model, [photo], in_flight=1, seconds=given.seconds))
            row |= {"megapixels": megapixels, "file_mb": round(len(photo) / 1e6, 2)}
            row["memory_mb"] = round(memory.most_bytes / 1e6)
            print(model, row, file=sys.stderr, flush=True)
            result["by_megapixels"][model].append(row)
    result["by_replicas"] = replicas(photos, given.seconds)
    return result


def replicas(photos: Sequence[bytes], seconds: float) -> dict[str, list[dict[str, float | int | None]]]:
    """Measure one Triton and then two behind one gateway, each replica on a core of its own, 16 requests in flight."""
    found: dict[str, list[dict[str, float | int | None]]] = {model: [] for model in MODELS}
    cores = sorted(os.sched_getaffinity(0))
    for count in (1, 2):
        with ExitStack() as stack:
            urls = [
                stack.enter_context(triton("cpu", ROOT / "model_repository", "default", [cores[number % len(cores)]]))
                for number in range(count)
            ]
            (url,) = stack.enter_context(gateways(",".join(urls), 1, 64))
            for model in MODELS:
                uvloop.run(load(url, model, photos, in_flight=16, seconds=2))
                row = {"replicas": count} | uvloop.run(load(url, model, photos, in_flight=16, seconds=seconds))
                print(model, row, file=sys.stderr, flush=True)
                found[model].append(row)
    return found


def plot(result: dict[str, Any], folder: Path) -> list[Path]:
    """Write a PNG for each curve, and return their paths."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, key, x, y, label in (
        ("in_flight", "by_in_flight", "in_flight", "photos_per_second", ("requests in flight", "photos a second")),
        ("megapixels", "by_megapixels", "megapixels", "p50_ms", ("megapixels", "milliseconds, median, alone")),
        ("memory", "by_in_flight", "in_flight", "memory_mb", ("requests in flight", "MB, all processes")),
        ("replicas", "by_replicas", "replicas", "photos_per_second", ("Tritons of one core each", "photos a second")),
    ):
        figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
        for model, rows in result[key].items():
            axes.plot([row[x] for row in rows], [row[y] for row in rows], marker="o", label=model)
        axes.set(xlabel=label[0], ylabel=label[1], xscale="log", ylim=(0, None))
        axes.set_title(f"{result['cores']} cores, {result['date']}", fontsize="medium")
        ticks = [row[x] for row in next(iter(result[key].values()))]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.legend()
        written.append(folder / f"curve_{name}.png")
        figure.savefig(written[-1], dpi=110)
        plt.close(figure)
    return written


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photos, also in folders below")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "curves", help="folder for the plots")
    parser.add_argument("--seconds", type=float, default=5.0, help="each measurement")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64], metavar="N")
    parser.add_argument("--photos", type=int, default=64, help="how many different photos")
    given = parser.parse_args()
    try:
        result = run(given)
    except StartError as error:
        sys.exit(f"error: {error}")
    for path in plot(result, given.output):
        print(f"wrote {path}", file=sys.stderr)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
