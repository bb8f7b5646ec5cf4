"""Where the time of one request goes, from the client to the network and back.

    bin-it-right dev latency FOLDER --concurrency 16

Asks a running service (`make run`) about photos, and takes its round trip apart by the gateway's Server-Timing and by
Triton's statistics before and after. Every line is the mean of a request; together they are the round trip. Prints a
table, then one JSON line. Nobody else should ask the service meanwhile: Triton's statistics count everyone.
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from tritonclient.grpc import InferenceServerClient

from scripts.benchmarks.load.client import PhotoClient, Reply, form
from scripts.benchmarks.load.photos import photos_in

#: Of Triton's statistics of a model: the name there, and what it is called here.
_PHASES = {
    "queue": "waits for its batch",
    "compute_input": "tensors to the backend",
    "compute_infer": "computes",
    "compute_output": "tensors from the backend",
}


class MeasurementError(Exception):
    """The figures do not say what they should; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Triton's counters of one model since its start: requests, executions, and nanoseconds by phase."""

    requests: int
    executions: int
    nanoseconds: Mapping[str, int]

    def since(self, earlier: "Statistics") -> "Statistics":
        """Return what came since."""
        nanoseconds = {phase: value - earlier.nanoseconds[phase] for phase, value in self.nanoseconds.items()}
        return Statistics(self.requests - earlier.requests, self.executions - earlier.executions, nanoseconds)

    def milliseconds(self, phase: str) -> float:
        """Return the mean of a request."""
        return self.nanoseconds[phase] / self.requests / 1e6


def server_timing(header: str) -> dict[str, float]:
    """Return the milliseconds of each entry of a Server-Timing header."""
    return {name: float(duration) for name, duration in re.findall(r"([\w-]+);dur=([\d.]+)", header)}


def latency_breakdown(
    replies: Sequence[Reply], ensemble: Statistics, steps: Mapping[str, Statistics]
) -> dict[str, float]:
    """Return the milliseconds of each part of a request's round trip; they add up to it.

    Args:
        replies: the answers, with the round trip as the client saw it.
        ensemble: Triton's statistics of the ensemble while they were made.
        steps: those of its steps, in their order.

    Raises:
        MeasurementError: Triton answered others too, so that its statistics are not those of these requests.
    """
    foreign = ensemble.requests - len(replies)
    # The gateway's and the supervisor's own probes are a few; more would make a mean of something else.
    if foreign > max(5, len(replies) / 20):
        raise MeasurementError(f"{foreign} requests came from others; ask a service that nobody else uses")
    timings = [server_timing(reply.headers["server-timing"]) for reply in replies]
    means = {name: sum(timing[name] for timing in timings) / len(timings) for name in timings[0]}
    round_trip = sum(reply.seconds for reply in replies) / len(replies) * 1000
    lines = {
        "client and gateway: HTTP": round_trip - means["total"],
        "gateway: multipart, admission, JSON": means["total"] - means["validate"] - means["triton"],
        "gateway: checks of the image": means["validate"],
        "gateway and Triton: gRPC": means["triton"] - ensemble.milliseconds("success"),
    }
    inside = 0.0
    for name, statistics in steps.items():
        for phase, title in _PHASES.items():
            lines[f"{name}: {title}"] = statistics.milliseconds(phase)
            inside += statistics.milliseconds(phase)
    # Triton counts a step's work until its backend takes the next batch: where batches overlap, most comes after that.
    lines["Triton: between the steps, and what overlaps"] = ensemble.milliseconds("success") - inside
    return lines


def table(lines: Mapping[str, float]) -> str:
    """Return the lines as a table in Markdown, with the share of each."""
    total = sum(lines.values())
    rows = [f"| {name} | {value:.2f} | {value / total:.0%} |" for name, value in lines.items()]
    return "\n".join(["| part | ms | share |", "|---|---|---|", *rows, f"| **round trip** | {total:.2f} | 100% |"])


class Triton:
    """Reads what Triton says about an ensemble."""

    def __init__(self, url: str, ensemble: str) -> None:
        self._client, self._ensemble = InferenceServerClient(url), ensemble
        config = self._client.get_model_config(ensemble, as_json=True)["config"]
        self._steps = [step["model_name"] for step in config["ensemble_scheduling"]["step"]]

    def read(self) -> tuple[Statistics, dict[str, Statistics]]:
        """Return the statistics of the ensemble, and of each of its steps."""
        return self._of(self._ensemble), {step: self._of(step) for step in self._steps}

    def _of(self, model: str) -> Statistics:
        (found,) = self._client.get_inference_statistics(model).model_stats
        phases = {name: getattr(found.inference_stats, name).ns for name in ("success", *_PHASES)}
        return Statistics(int(found.inference_stats.success.count), int(found.execution_count), phases)


async def ask(url: str, model: str, photos: Sequence[bytes], *, requests: int, concurrency: int) -> list[Reply]:
    """Return so many answers, so many of them under way at a time. Raises MeasurementError for a bad one."""
    bodies = itertools.islice(itertools.cycle([form(photo) for photo in photos]), requests)
    replies: list[Reply] = []
    async with PhotoClient(url) as client:

        async def keep_asking() -> None:
            for body in bodies:
                reply = await client.post(f"/{model}/predict", body)
                if reply.status != 200:
                    raise MeasurementError(f"the service answered {reply.status}: {reply.document}")
                replies.append(reply)

        await asyncio.gather(*(keep_asking() for _ in range(concurrency)))
    return replies


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the document."""
    photos = photos_in(given.folder, given.photos)
    triton = Triton(given.triton, given.model)
    load = {"requests": given.requests, "concurrency": given.concurrency}
    uvloop.run(ask(given.url, given.model, photos, requests=2 * given.concurrency, concurrency=given.concurrency))
    ensemble, steps = triton.read()
    began = time.perf_counter()
    replies = uvloop.run(ask(given.url, given.model, photos, **load))
    seconds = time.perf_counter() - began
    ensemble_after, steps_after = triton.read()
    step_work = {name: after.since(steps[name]) for name, after in steps_after.items()}
    lines = latency_breakdown(replies, ensemble_after.since(ensemble), step_work)
    return {
        "benchmark": "latency",
        "date": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "model": given.model,
        **load,
        "images_per_second": round(given.requests / seconds, 1),
        "photos_in_a_batch": {name: round(work.requests / work.executions, 1) for name, work in step_work.items()},
        "milliseconds": {name: round(value, 3) for name, value in lines.items()},
    }


def load_arguments(parser: argparse.ArgumentParser, *, requests: int, concurrency: int) -> None:
    """Add the arguments that say what a service is asked, and how often; with these defaults."""
    parser.add_argument("folder", type=Path, help="photos, also in folders below")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--model", default="raw")
    parser.add_argument("--requests", type=int, default=requests)
    parser.add_argument("--concurrency", type=int, default=concurrency)
    parser.add_argument("--photos", type=int, default=64, help="how many different photos")


def main() -> int:
    """Print table and line; return 1 with a sentence where the service does not answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    load_arguments(parser, requests=500, concurrency=1)
    parser.add_argument("--triton", default="127.0.0.1:8001", metavar="HOST:PORT", help="Triton's gRPC address")
    try:
        result = run(parser.parse_args())
    except (MeasurementError, OSError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    print(table(result["milliseconds"]))
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
