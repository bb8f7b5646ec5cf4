"""Asks the gateway about many photos, a few at a time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import Progress

from gateway.client import AsyncClient, Refused, Unreachable
from training.dataset.entries import Entry

_CONCURRENCY = 4


def request_predictions(
    url: str, model_type: str, entries: Sequence[Entry], classes: Sequence[str], patience: float = 30
) -> np.ndarray:
    """Send every photo to ``POST /{model_type}/predict`` and return the probabilities, FP64 [N, classes].

    Args:
        url: The gateway.
        model_type: Which of its models.
        entries: The photos.
        classes: The order of the probabilities.
        patience: Seconds that a photo waits for a gateway that is busy or away.

    Raises:
        ValueError: a photo is refused, or the gateway cannot be reached; the message has the gateway's reason.
    """
    try:
        return asyncio.run(_request_all(AsyncClient(url, patience=patience), model_type, entries, classes))
    except ExceptionGroup as group:
        raise group.exceptions[0] from group


async def _request_all(
    client: AsyncClient, model_type: str, entries: Sequence[Entry], classes: Sequence[str]
) -> np.ndarray:
    probabilities = np.empty((len(entries), len(classes)))
    rows = iter(range(len(entries)))
    with Progress() as progress:
        task = progress.add_task(model_type, total=len(entries))

        async def work() -> None:
            for row in rows:
                said = await _predict(client, model_type, entries[row])
                probabilities[row] = [said[name] for name in classes]
                progress.advance(task)

        async with client, asyncio.TaskGroup() as group:
            for _ in range(_CONCURRENCY):
                group.create_task(work())
    return probabilities


async def _predict(client: AsyncClient, model_type: str, entry: Entry) -> dict[str, float]:
    content = entry.source.read_bytes() if isinstance(entry.source, Path) else entry.source
    try:
        return dict((await client.predict(model_type, content)).classes)
    except Refused as exc:
        raise ValueError(f"{entry.name} was refused with {exc.status}: {exc}") from exc
    except Unreachable as exc:
        raise ValueError(str(exc)) from exc
