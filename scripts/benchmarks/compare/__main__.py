"""Compares the service with its alternatives on a CPU.

    make bench [photos=FOLDER] [seconds=3] [rounds=2] [only="service eager"] [short=1]

Starts Triton, the gateway and the baselines, checks that all give the same answers, and measures them in turn, every
round anew, with wrk in a process of its own. Prints tables, the targets, and one JSON line. Progress goes to standard
error. The short mode takes less than 8 minutes on two cores.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from embedded_triton.errors import ServerStartError
from embedded_triton.install.cpu import choose_precision
from scripts.benchmarks.compare.contenders import (
    BASELINES,
    NEEDS_BFLOAT16,
    AnswerError,
    baselines,
    differences,
    suspended,
)
from scripts.benchmarks.compare.report import table, verdict
from scripts.benchmarks.compare.rounds import Load, Measure, Rounds, medians, plan
from scripts.benchmarks.compare.targets import judge
from scripts.benchmarks.compare.upper_bound import Rates, fastest, upper_bound
from scripts.benchmarks.load.drawn import LARGE_SIZE, drawn_photos
from scripts.benchmarks.load.perf_analyzer import Direct, find_perf_analyzer
from scripts.benchmarks.load.photos import photos_in
from scripts.benchmarks.load.progress import say
from scripts.benchmarks.load.rows import Row, as_document, middle
from scripts.benchmarks.load.wrk import ToolError, measure, require_wrk, write_bodies
from scripts.benchmarks.servers import ROOT, export_models, gateways, triton
from training.evaluate.provenance import hardware

UPPER_BOUND = "upper_bound"
SERVERS = ("service", "direct", *BASELINES)
#: What the short mode measures: the service, and what its targets are ratios of.
SHORT = ("service", "direct", "eager", "torchscript_bfloat16", "openvino", "openvino_tuned")
MODELS = ("raw", "pretrained")
_CONCURRENCY, _SHORT_CONCURRENCY, _LARGE_CONCURRENCY = (1, 4, 16, 64), (16,), (1, 8)
_SECONDS, _SHORT_SECONDS, _ROUNDS = 3.0, 2.0, 2
_CHECKED, _LARGE_PHOTOS, _WARM_UP_CONCURRENCY = 6, 4, 16
_VERSIONS = ("torch", "openvino", "nvidia-pytriton", "nvidia-dali-cuda130", "fastapi", "uvicorn")
_VERSIONS_OF_BASELINES = ("onnxruntime", "litserve")


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Measure everything, print the tables and return the document."""
    require_wrk()
    precision, reason = choose_precision("auto")
    wanted = [
        each for each in SERVERS if each in given.only and (precision == "bfloat16" or each not in NEEDS_BFLOAT16)
    ]
    say(f"the service computes in {precision}: {reason}")
    photos = photos_in(given.photos, given.count) if given.photos else drawn_photos(given.count)
    large = photos_in(given.large_photos, _LARGE_PHOTOS) if given.large_photos else _drawn_large(given)
    began = time.monotonic()
    export_models(given.model_repository)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        bodies = {False: folder / "bodies", True: folder / "large"}
        write_bodies(photos, bodies[False])
        write_bodies(large, bodies[True])
        say(f"starting {', '.join(wanted)}")
        grpc = stack.enter_context(triton("cpu", given.model_repository, given.profile))
        (ours,) = stack.enter_context(gateways(grpc, 1, max(given.concurrency)))
        others = stack.enter_context(baselines([each for each in wanted if each in BASELINES], given.models, photos[0]))
        urls = {"service": ours} | {each: baseline.url for each, baseline in others.items()}
        checked = [*photos[:: max(1, len(photos) // _CHECKED)], *large[:1]]
        same = {model: differences(urls, model, checked) for model in given.models}
        say(f"all answer alike; largest differences: {same}")
        direct = Direct(grpc, photos, folder, find_perf_analyzer(given.perf_analyzer))

        def through(url: str) -> Measure:
            def ask(load: Load) -> Row:
                path = f"{url}/{load.model}/predict"
                return measure(path, bodies[load.large], concurrency=load.concurrency, seconds=load.seconds)

            return ask

        def straight(load: Load) -> Row:
            return direct.measure(load.model, concurrency=load.concurrency, seconds=load.seconds)

        rounds = Rounds({each: straight if each == "direct" else through(urls[each]) for each in wanted}, others)
        rounds.warm_up(given.models, min(_WARM_UP_CONCURRENCY, max(given.concurrency)))
        alone: dict[str, list[Rates]] = {model: [] for model in given.models if UPPER_BOUND in given.only}
        loads = plan(given.models, given.concurrency, given.large_concurrency, given.seconds)
        for number in range(given.rounds):
            rounds.measure(f"round {number + 1}", loads)
            for model, rates in alone.items():
                with suspended(others.values()):
                    rates.append(upper_bound(model, given.model_repository, given.seconds))
                say(f"round {number + 1}: {model}, model-only upper bound: {rates[-1]}")
    usual, of_large = rounds.results(large=False), rounds.results(large=True)
    by_batch = {model: fastest(rates) for model, rates in alone.items()}
    upper_bounds = {model: max(rates.values()) for model, rates in by_batch.items()}
    targets = judge(medians(usual), medians(of_large), bfloat16=precision == "bfloat16")
    tables = [table(medians(usual), upper_bounds), table(medians(of_large), {}, ", 12 megapixels"), verdict(targets)]
    print(*tables, sep="\n\n", end="\n\n")
    return {
        "benchmark": "compare",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "hardware": hardware(),
        "python": platform.python_version(),
        "versions": _versions(),
        "precision": precision,
        "photos": {"count": len(photos), "mean_bytes": sum(map(len, photos)) // len(photos), "drawn": not given.photos},
        "large_photos": {"mean_bytes": sum(map(len, large)) // max(1, len(large)), "drawn": not given.large_photos},
        "seconds": given.seconds,
        "profile": given.profile,
        "load": {"service and baselines": "wrk", "direct": direct.tool},
        "largest_differences": same,
        "results": _as_document(usual),
        "large_results": _as_document(of_large),
        "upper_bound": by_batch,
        "targets": targets,
        "load_average": round(os.getloadavg()[2], 1),
        "total_seconds": round(time.monotonic() - began),
    }


def _drawn_large(given: argparse.Namespace) -> list[bytes]:
    if not given.large_concurrency:
        return []
    say(f"drawing {_LARGE_PHOTOS} photos of 12 megapixels")
    return drawn_photos(_LARGE_PHOTOS, LARGE_SIZE)


def _as_document(results: dict[str, dict[str, dict[int, list[Row]]]]) -> dict[str, Any]:
    return {
        model: {
            server: {number: as_document(middle(rows), rows) for number, rows in by.items()}
            for server, by in servers.items()
        }
        for model, servers in results.items()
    }


def _versions() -> dict[str, str]:
    # A baseline that is left out need not be installed.
    found = {}
    for name in (*_VERSIONS, *_VERSIONS_OF_BASELINES):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="also in folders below; drawn ones by default")
    parser.add_argument("--count", type=int, default=64, help="how many different photos")
    parser.add_argument("--large-photos", type=Path, metavar="FOLDER", help="of about 12 megapixels; likewise")
    parser.add_argument("--short", action="store_true", help="one concurrency, and only what the targets need")
    parser.add_argument("--seconds", type=float, help="the shortest measurement; slow requests get longer ones")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--concurrency", type=int, nargs="+", metavar="N")
    parser.add_argument("--large-concurrency", type=int, nargs="*", default=list(_LARGE_CONCURRENCY), metavar="N")
    parser.add_argument("--only", nargs="+", choices=(*SERVERS, UPPER_BOUND))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repository", metavar="FOLDER")
    parser.add_argument("--profile", default="auto", help="tuning profile of the models; by default what fits")
    parser.add_argument("--perf-analyzer", type=Path, metavar="PROGRAM", help="by default the one on the path")
    given = parser.parse_args(arguments)
    given.seconds = given.seconds or (_SHORT_SECONDS if given.short else _SECONDS)
    given.concurrency = given.concurrency or list(_SHORT_CONCURRENCY if given.short else _CONCURRENCY)
    given.only = given.only or list(SHORT if given.short else (*SERVERS, UPPER_BOUND))
    return given


def main() -> int:
    """Measure; return 1 with a sentence where that is not possible, or not fair."""
    try:
        print(json.dumps(run(parse())))
    except (ToolError, ServerStartError, AnswerError, RuntimeError, subprocess.CalledProcessError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
