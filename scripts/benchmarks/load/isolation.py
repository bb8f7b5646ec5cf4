"""Do bad uploads change the answers of good ones?

    bin-it-right dev isolation FOLDER --requests 10000 --concurrency 64

Sends photos of a folder with one bad upload of ten among them, in random order, and holds every good answer against
the one that the photo got alone, and every bad one against the status of its kind. Ends with one JSON line.
"""

import argparse
import asyncio
import io
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import uvloop
from PIL import Image

from scripts.benchmarks.load.client import PhotoClient, Reply, form
from scripts.benchmarks.load.hostile import Hostile, hostile_uploads
from scripts.benchmarks.load.photos import photos_in
from scripts.benchmarks.load.progress import Progress

_TOLERANCE = 1e-3


class WrongAnswerError(Exception):
    """An answer that is not as it must be."""


async def run(
    url: str, model: str, photos: list[bytes], *, requests: int, concurrency: int, bad_share: float, seed: int
) -> dict[str, Any]:
    """Send all requests and return what was counted; the first wrong answers are described."""
    randomness = random.Random(seed)  # noqa: S311 (a plan of requests, no secret)
    with Image.open(io.BytesIO(photos[0])) as first:
        bad = hostile_uploads(first.convert("RGB"))
    path = f"/{model}/predict"
    async with PhotoClient(url) as client:
        alone = [await _answer(client, path, photo) for photo in photos]
        plan: list[int | Hostile] = [
            randomness.choice(bad) if randomness.random() < bad_share else randomness.randrange(len(photos))
            for _ in range(requests)
        ]
        counts: Counter[str] = Counter()
        wrong: list[str] = []
        bodies = [form(photo) for photo in photos]
        waiting = iter(plan)
        began = time.perf_counter()
        with Progress(requests) as progress:

            async def send() -> None:
                for job in waiting:
                    try:
                        if isinstance(job, Hostile):
                            _check_refusal(job, await client.post(path, job.body))
                            counts["bad_refused"] += 1
                        else:
                            _check_answer(alone[job], await client.post(path, bodies[job]))
                            counts["good_right"] += 1
                    except (WrongAnswerError, OSError, asyncio.IncompleteReadError) as exc:
                        counts["wrong"] += 1
                        wrong.append(f"{getattr(job, 'name', 'photo')}: {exc}")
                    progress.advance()

            await asyncio.gather(*(send() for _ in range(concurrency)))
    return {
        "benchmark": "isolation",
        "model": model,
        "requests": requests,
        "concurrency": concurrency,
        "kinds_of_bad": len(bad),
        **{name: counts[name] for name in ("good_right", "bad_refused", "wrong")},
        "seconds": round(time.perf_counter() - began, 1),
        "first_wrong": wrong[:5],
    }


async def _answer(client: PhotoClient, path: str, photo: bytes) -> Reply:
    reply = await client.post(path, form(photo))
    if reply.status != 200:
        raise WrongAnswerError(f"a photo of the folder is not answered: {reply.document}")
    return reply


def _check_answer(alone: Reply, reply: Reply) -> None:
    if reply.status != 200:
        raise WrongAnswerError(f"{reply.status} {reply.document}")
    expected, found = alone.document["classes"], reply.document["classes"]
    if max(abs(found[label] - expected[label]) for label in expected) > _TOLERANCE:
        raise WrongAnswerError(f"{found} where alone it was {expected}")


def _check_refusal(bad: Hostile, reply: Reply) -> None:
    if reply.status != bad.status or reply.headers["content-type"] != "application/problem+json":
        raise WrongAnswerError(f"{reply.status} in the place of {bad.status}: {reply.document}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photos, also in folders below")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--model", default="raw")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--photos", type=int, default=200, help="how many different photos")
    parser.add_argument("--bad-share", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    result = uvloop.run(
        run(
            given.url,
            given.model,
            photos_in(given.folder, given.photos),
            requests=given.requests,
            concurrency=given.concurrency,
            bad_share=given.bad_share,
            seed=given.seed,
        )
    )
    print(json.dumps(result))
    sys.exit(1 if result["wrong"] else 0)


if __name__ == "__main__":
    main()
