"""Where does the time of one request go?

    python -m scripts.bench.ledger FOLDER --model raw --in-flight 1 --requests 200

Asks a running service and reads two books: the gateway's Server-Timing header of each answer, and the difference of
Triton's statistics before and after. Ends with one JSON line. The parts of a request, in milliseconds, add up to what
the client saw; under load a part holds the waiting in it too.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import uvloop
from tritonclient.grpc import InferenceServerClient

from scripts.bench.client import PhotoClient, form
from scripts.bench.photos import photos_in
from training.model_types import NETWORK_MODELS
from training.provenance import hardware

Statistics = dict[str, dict[str, float]]
#: Triton's names for what a model does with a request; the first is the waiting.
_STEPS = ("queue", "compute_input", "compute_infer", "compute_output")


def timings(header: str) -> dict[str, float]:
    """Return the milliseconds of a Server-Timing header by name."""
    return {name: float(duration) for name, duration in re.findall(r"(\w+);dur=([\d.]+)", header)}


def statistics(triton: Any, models: Sequence[str]) -> Statistics:
    """Return, for each model, nanoseconds by step, and how many requests and executions there were."""
    found: Statistics = {}
    for model in models:
        (document,) = triton.get_inference_statistics(model, as_json=True)["model_stats"]
        counts = document.get("inference_stats", {})
        found[model] = {step: float(counts.get(step, {}).get("ns", 0)) for step in ("success", *_STEPS)}
        found[model]["requests"] = float(counts.get("success", {}).get("count", 0))
        found[model]["executions"] = float(document.get("execution_count", 0))
    return found


def ledger(
    ensemble: str, seen: Sequence[tuple[float, Mapping[str, float]]], before: Statistics, after: Statistics
) -> dict[str, Any]:
    """Return mean milliseconds of a request by part, and the mean batch of each model.

    Args:
        ensemble: what was asked.
        seen: for each answer the client's milliseconds and the gateway's timings.
        before: Triton's statistics before the first request.
        after: and behind the last one. Nobody else may ask meanwhile; the few probes of the servers themselves count.
    """
    spent = {model: {key: after[model][key] - value for key, value in before[model].items()} for model in before}
    per_request = {
        model: {key: spent[model][key] / max(1, spent[model]["requests"]) / 1e6 for key in ("success", *_STEPS)}
        for model in spent
    }
    client = fmean(milliseconds for milliseconds, _ in seen)
    validate, asked, total = (fmean(each[name] for _, each in seen) for name in ("validate", "triton", "total"))
    network = NETWORK_MODELS[ensemble]
    steps = {f"{model}: {step}": per_request[model][step] for model in ("preprocess", network) for step in _STEPS}
    inside = per_request[ensemble]["success"]
    parts = {
        "client, connection, HTTP": client - total,
        "multipart, JSON": total - validate - asked,
        "checks of the image": validate,
        "gRPC between gateway and Triton": asked - inside,
        **steps,
        "ensemble: between the steps": inside - sum(steps.values()),
    }
    return {
        "client_ms": round(client, 2),
        "parts_ms": {name: round(value, 2) for name, value in parts.items()},
        "mean_batch": {
            model: round(spent[model]["requests"] / max(1, spent[model]["executions"]), 1)
            for model in ("preprocess", network)
        },
    }


async def ask(url: str, model: str, photos: list[bytes], *, requests: int, in_flight: int) -> list[Any]:
    """Return the client's milliseconds and the gateway's timings of each answer. Raises RuntimeError at a refusal."""
    seen: list[tuple[float, dict[str, float]]] = []
    bodies = [form(photo) for photo in photos]
    turns = iter(range(requests))
    async with PhotoClient(url) as client:

        async def send() -> None:
            for turn in turns:
                reply = await client.post(f"/{model}/predict", bodies[turn % len(bodies)])
                if reply.status != 200:
                    raise RuntimeError(f"a photo was refused: {reply.status} {reply.document}")
                seen.append((1000 * reply.seconds, timings(reply.headers["server-timing"])))

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(send())
    return seen


def main() -> int:
    """Ask, print the parts and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photos, also in folders below")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--triton", default="127.0.0.1:8001", metavar="HOST:PORT")
    parser.add_argument("--model", choices=tuple(NETWORK_MODELS), default="raw")
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--requests", type=int, default=200)
    given = parser.parse_args()
    photos = photos_in(given.folder, 64)
    models = (given.model, "preprocess", NETWORK_MODELS[given.model])
    load = {"requests": given.requests, "in_flight": given.in_flight}
    with InferenceServerClient(given.triton) as triton:
        uvloop.run(ask(given.url, given.model, photos, requests=2 * given.in_flight, in_flight=given.in_flight))
        before = statistics(triton, models)
        seen = uvloop.run(ask(given.url, given.model, photos, **load))
        found = ledger(given.model, seen, before, statistics(triton, models))
    for name, milliseconds in found["parts_ms"].items():
        print(f"{milliseconds:9.2f} ms  {name}", file=sys.stderr)
    line = {"benchmark": "ledger", "date": f"{datetime.now(UTC):%Y-%m-%d}", "hardware": hardware()}
    print(json.dumps({**line, "model": given.model, **load, **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
