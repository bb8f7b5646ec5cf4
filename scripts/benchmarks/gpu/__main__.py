"""What this machine serves on its GPU, in one command of less than 8 minutes.

    bin-it-right dev benchmark-gpu [FOLDER OF PHOTOS]

Straight at Triton, through several gateways, and beside a plain FastAPI service with the same networks. Without a
folder it draws photos of 512x384 pixels. Ends with one JSON line; progress goes to standard error. On a machine without
a GPU, or with ``--device cpu``, it does the same on the CPU, which says that it works and nothing about a GPU.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded_triton.errors import EmbeddedTritonError
from embedded_triton.install.profiles import choose_profile
from scripts.benchmarks.gpu.steps import StepWatch
from scripts.benchmarks.gpu.targets import judge
from scripts.benchmarks.gpu.watch import GpuWatch, gpu_name
from scripts.benchmarks.load.drawn import drawn_photos
from scripts.benchmarks.load.photos import photos_in
from scripts.benchmarks.load.processes import WARM_UP_SECONDS, Target, measure
from scripts.benchmarks.load.progress import say
from scripts.benchmarks.servers import ROOT, eager, export_models, gateways, triton

MODELS = ("raw", "pretrained")


def table(
    name: str, urls: tuple[str, ...], photos: list[bytes], given: argparse.Namespace, triton_url: str | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Measure both models at every concurrency; beside each row the GPU and the steps of Triton."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for model in MODELS:
        rows[model] = []
        for concurrency in given.concurrency:
            target = Target(urls, model)
            inside = StepWatch(triton_url, model) if triton_url else None
            with GpuWatch() as watch, inside or nullcontext():
                row = measure(
                    target, photos, concurrency=concurrency, seconds=given.seconds, processes=given.client_processes
                )
            if state := watch.result():
                row["gpu"] = state
            if inside:
                row |= inside.result()
            say(f"{name} {model}: {row}")
            rows[model].append(row)
    return rows


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return the document."""
    gpu = gpu_name()
    device = given.device if given.device != "auto" else ("gpu" if gpu else "cpu")
    if device == "gpu" and gpu is None:
        sys.exit("error: there is no NVIDIA GPU here, or no driver; say --device cpu to measure the CPU.")
    profile = choose_profile("default" if device == "cpu" else given.profile, given.model_repository)
    photos = photos_in(given.folder, given.photos) if given.folder else drawn_photos(given.photos)
    began = time.monotonic()
    result: dict[str, Any] = {
        "benchmark": "gpu",
        "device": device,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "hardware": {"gpu": gpu if device == "gpu" else None, "cores": len(os.sched_getaffinity(0)), "cpu": _cpu()},
        "photos": {"count": len(photos), "mean_bytes": sum(map(len, photos)) // len(photos), "drawn": not given.folder},
        "seconds_each": given.seconds,
        "client_processes": given.client_processes,
        "server": given.triton or f"embedded, profile {profile or 'default'}",
        "gateways": given.gateways,
    }
    if given.triton:
        result |= _served(given.triton, photos, given)
    else:
        export_models(given.model_repository)
        say("Triton starts")
        with triton(device, given.model_repository, profile) as url:
            result |= _served(url, photos, given)
    result["baseline"] = None
    if given.baseline:
        with eager(device) as url:
            result["baseline"] = table("baseline", (url,), photos, given)
    result["targets"] = judge(result) if device == "gpu" else None
    result["total_seconds"] = round(time.monotonic() - began)
    return result


def _served(url: str, photos: list[bytes], given: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {"direct": table("direct", (url,), photos, given, url), "gateway": None}
    if given.gateways:
        with gateways(url, given.gateways, max(given.concurrency)) as urls:
            result["gateway"] = table("gateway", urls, photos, given, url)
    return result


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what is not said follows from the number of cores."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, nargs="?", help="photos, also in folders below; drawn ones by default")
    parser.add_argument("--device", choices=("auto", "gpu", "cpu"), default="auto")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help=f"each row, after {WARM_UP_SECONDS:.0f} s of warm-up"
    )
    parser.add_argument("--photos", type=int, default=256, help="how many different photos")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 16, 64, 256], metavar="N")
    parser.add_argument("--client-processes", type=int, default=max(1, min(4, cores // 4)), metavar="N")
    parser.add_argument("--gateways", type=int, default=max(1, min(6, cores // 3)), metavar="N", help="0: none")
    parser.add_argument(
        "--triton", metavar="HOST:PORT", help="a server that runs already, in place of the embedded one"
    )
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repository", metavar="FOLDER")
    parser.add_argument("--profile", default="auto", help="a tuning profile; by default by the name of the GPU")
    parser.add_argument("--baseline", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args(arguments)


def main() -> int:
    """Measure and print one JSON line; return 1 with a sentence where a server does not start."""
    try:
        print(json.dumps(run(parse())))
    except (EmbeddedTritonError, RuntimeError, subprocess.CalledProcessError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
