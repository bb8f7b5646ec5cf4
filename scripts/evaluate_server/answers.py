"""Asks the gateway about many photos, a few at a time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np
from rich.progress import Progress

from scripts.evaluate_server.serving import is_here
from training.dataset.entries import Entry

_BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
_TRIES = 20


def ask(url: str, model_type: str, entries: Sequence[Entry], classes: Sequence[str], in_flight: int = 4) -> np.ndarray:
    """Send every photo to ``POST /{model_type}/predict`` and return the probabilities, FP64 [N, classes].

    Raises:
        ValueError: a photo is refused, or the gateway cannot be reached; the message has the gateway's reason.
    """
    try:
        return asyncio.run(_ask(f"{url}/{model_type}/predict", entries, classes, in_flight))
    except ExceptionGroup as group:
        raise group.exceptions[0] from group


async def _ask(url: str, entries: Sequence[Entry], classes: Sequence[str], in_flight: int) -> np.ndarray:
    probabilities = np.empty((len(entries), len(classes)))
    places = iter(range(len(entries)))
    with Progress() as progress:
        task = progress.add_task(url, total=len(entries))
        async with httpx.AsyncClient(timeout=60, trust_env=not is_here(url)) as client:

            async def work() -> None:
                for place in places:
                    said = await _predict(client, url, entries[place])
                    probabilities[place] = [said[name] for name in classes]
                    progress.advance(task)

            async with asyncio.TaskGroup() as group:
                for _ in range(in_flight):
                    group.create_task(work())
    return probabilities


async def _predict(client: httpx.AsyncClient, url: str, entry: Entry) -> dict[str, float]:
    content = entry.source.read_bytes() if isinstance(entry.source, Path) else entry.source
    for _ in range(_TRIES):
        try:
            response = await client.post(url, files={"file": (entry.name, content)})
        except httpx.HTTPError as exc:
            raise ValueError(f"{url} cannot be reached: {exc or type(exc).__name__}") from exc
        if response.status_code not in _BUSY:
            break
        await asyncio.sleep(float(response.headers.get("Retry-After", 1)))
    if response.status_code != httpx.codes.OK:
        raise ValueError(f"{entry.name} was refused with {response.status_code}: {response.text}")
    classes: dict[str, float] = response.json()["classes"]
    return classes
