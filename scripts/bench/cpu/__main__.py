"""The service beside what a user would take in its place:

    make bench [photos=FOLDER] [seconds=3] [rounds=2] [only="service ancestor"]

Starts Triton, the gateway and four peers, checks that all give the same answers, and measures them in turn, every round
anew, with wrk in a process of its own. Prints a table, the targets, and one JSON line. Progress goes to standard error.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from scripts.bench.cpu.contenders import PEERS, AnswerError, Peer, differences, peers, settle, standing_still
from scripts.bench.cpu.direct import Direct, find_perf_analyzer
from scripts.bench.cpu.limit import Rates, fastest, limit
from scripts.bench.cpu.report import table, verdict
from scripts.bench.cpu.rows import Row, as_document, middle
from scripts.bench.cpu.targets import judge
from scripts.bench.cpu.wrk import ToolError, measure, require_wrk, write_bodies
from scripts.bench.gpu.drawn import drawn_photos
from scripts.bench.photos import photos_in
from scripts.bench.servers import LOGS, ROOT, StartError, gateways, triton
from training.evaluate.provenance import hardware

SERVERS = ("service", "direct", *PEERS)
MODELS = ("raw", "pretrained")
_IN_FLIGHT = (1, 4, 16, 64)
_CHECKED = 6
_LONGER_FROM = 16
#: `pretrained` takes about five times as long for a photo.
_LONGER = {"raw": 1, "pretrained": 3}
_VERSIONS = ("torch", "nvidia-pytriton", "nvidia-dali-cuda130", "fastapi", "uvicorn", "onnxruntime", "litserve")

Measure = Callable[[str, int, float], Row]


def say(sentence: str) -> None:
    """Tell how far it is."""
    print(f"{datetime.now(UTC):%H:%M:%S} {sentence}", file=sys.stderr, flush=True)


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Measure everything, print the tables and return the document."""
    require_wrk()
    photos = photos_in(given.photos, given.count) if given.photos else drawn_photos(given.count)
    began = time.monotonic()
    _export()
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "bodies").mkdir()
        write_bodies(photos, folder / "bodies")
        say(f"starting {', '.join(given.only)}")
        grpc = stack.enter_context(triton("cpu", given.model_repository, given.profile))
        (ours,) = stack.enter_context(gateways(grpc, 1, max(given.in_flight)))
        chosen = [each for each in PEERS if each in given.only]
        others = stack.enter_context(peers(chosen, given.models, photos[0]))
        urls = {"service": ours} | {each: peer.url for each, peer in others.items()}
        same = {model: differences(urls, model, photos[:: max(1, len(photos) // _CHECKED)]) for model in given.models}
        say(f"all answer alike; largest differences: {same}")
        direct = Direct(grpc, photos, folder, find_perf_analyzer(given.perf_analyzer))

        def through(url: str) -> Measure:
            return lambda model, number, seconds: measure(
                f"{url}/{model}/predict", folder / "bodies", in_flight=number, seconds=seconds
            )

        def straight(model: str, number: int, seconds: float) -> Row:
            return direct.measure(model, in_flight=number, seconds=seconds)

        wanted = [each for each in SERVERS if each in given.only]
        ways = {each: straight if each == "direct" else through(urls[each]) for each in wanted}
        rounds, alone = _rounds(ways, others, given)
    results = {
        model: {server: {number: middle(rows) for number, rows in by.items()} for server, by in servers.items()}
        for model, servers in rounds.items()
    }
    by_batch = {model: fastest(rates) for model, rates in alone.items()}
    limits = {model: max(rates.values()) for model, rates in by_batch.items()}
    targets = judge(results, limits)
    print(table(results, limits), verdict(targets), sep="\n\n", end="\n\n")
    return {
        "benchmark": "cpu",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "hardware": hardware(),
        "python": platform.python_version(),
        "versions": _versions(),
        "photos": {"count": len(photos), "mean_bytes": sum(map(len, photos)) // len(photos), "drawn": not given.photos},
        "seconds": given.seconds,
        "profile": given.profile,
        "load": {"service and peers": "wrk", "direct": direct.tool},
        "largest_differences": same,
        "results": {
            model: {
                server: {number: as_document(middle(rows), rows) for number, rows in by.items()}
                for server, by in servers.items()
            }
            for model, servers in rounds.items()
        },
        "network_alone": by_batch,
        "targets": targets,
        "load_average": round(os.getloadavg()[2], 1),
        "total_seconds": round(time.monotonic() - began),
    }


def _rounds(
    ways: dict[str, Measure], others: Mapping[str, Peer], given: argparse.Namespace
) -> tuple[dict[str, dict[str, dict[int, list[Row]]]], dict[str, list[Rates]]]:
    """Measure each pair of server and load once a round, the servers in turn, so that no hour is anyone's own.

    Returns:
        the rows by model, server and load, and by model the network alone.
    """
    found: dict[str, dict[str, dict[int, list[Row]]]] = {
        model: {server: defaultdict(list) for server in ways} for model in given.models
    }

    alone: dict[str, list[Rates]] = {model: [] for model in given.models}

    def measure_one(server: str, model: str, in_flight: int, seconds: float) -> Row:
        sleeping = [peer for name, peer in others.items() if name != server]
        with standing_still(sleeping):
            # What is under way at the end is not counted: with many or slow photos in flight that would be too much.
            row = ways[server](model, in_flight, seconds * max(_LONGER[model], in_flight / _LONGER_FROM))
            settle()
            return row

    # Batch sizes, threads and connections come into being before anything counts.
    most = min(_LONGER_FROM, max(given.in_flight))
    for model in given.models:
        for server in ways:
            measure_one(server, model, most, 2)
    for number in range(given.rounds):
        for model in given.models:
            for in_flight in given.in_flight:
                for server in ways:
                    row = measure_one(server, model, in_flight, given.seconds)
                    found[model][server][in_flight].append(row)
                    say(f"round {number + 1}: {model}, {in_flight} in flight, {server}: {row}")
                    if row.failures:
                        say(f"why {row.failures} requests failed, the logs in {LOGS} may say")
            with standing_still(others.values()):
                alone[model].append(limit(model, given.model_repository, given.seconds))
            say(f"round {number + 1}: {model}, the network alone: {alone[model][-1]}")
    return found, alone


def _versions() -> dict[str, str]:
    # A peer that is left out need not be installed.
    found = {}
    for name in _VERSIONS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _export() -> None:
    command = [sys.executable, "-m", "scripts.cli.export"]
    subprocess.run(command, stdout=sys.stderr, cwd=ROOT, check=True)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bench.cpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="also in folders below; drawn ones by default")
    parser.add_argument("--count", type=int, default=64, help="how many different photos")
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.0,
        help="each measurement; three times as long for pretrained, four times with 64 in flight",
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--in-flight", type=int, nargs="+", default=list(_IN_FLIGHT), metavar="N")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=SERVERS,
        default=list(SERVERS),
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--model-repository", type=Path, default=ROOT / "model_repository", metavar="FOLDER")
    parser.add_argument("--profile", default="auto", help="tuning profile of the models; by default what fits")
    parser.add_argument("--perf-analyzer", type=Path, metavar="PROGRAM", help="by default the one on the path")
    return parser.parse_args(arguments)


def main() -> int:
    """Measure; return 1 with a sentence where that is not possible, or not fair."""
    try:
        print(json.dumps(run(parse())))
    except (ToolError, StartError, AnswerError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
