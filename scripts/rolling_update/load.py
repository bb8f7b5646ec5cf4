"""A steady load on the gateway, and what came of every single request."""

import asyncio
import contextlib
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2

_TIMEOUT_SECONDS = 30


class Load:
    """So many clients, each of which sends its next photo when the answer to the last one is there."""

    def __init__(self, url: str, photos: list[Path], concurrency: int) -> None:
        self._url = url
        self._photos = [(photo.name, photo.read_bytes()) for photo in photos]
        self._concurrency = concurrency
        self.outcomes: Counter[str] = Counter()
        self.milliseconds: list[float] = []

    @property
    def lost(self) -> int:
        """Requests that were not answered with a classification."""
        return self.outcomes.total() - self.outcomes["200"]

    def quantile(self, percent: int) -> float:
        """Return the milliseconds within which this share of the requests was answered."""
        return statistics.quantiles(self.milliseconds, n=100)[percent - 1]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send requests while the block runs; at its end those that run are awaited, for they count."""
        stop = asyncio.Event()
        limits = httpx2.Limits(max_connections=self._concurrency)
        async with (
            httpx2.AsyncClient(base_url=self._url, timeout=_TIMEOUT_SECONDS, limits=limits) as client,
            asyncio.TaskGroup() as clients,
        ):
            for number in range(self._concurrency):
                clients.create_task(self._send_on(client, number, stop))
            try:
                yield
            finally:
                stop.set()

    async def _send_on(self, client: httpx2.AsyncClient, number: int, stop: asyncio.Event) -> None:
        while not stop.is_set():
            photo = self._photos[number % len(self._photos)]
            model = ("raw", "pretrained")[number % 2]
            began = time.perf_counter()
            try:
                response = await client.post(f"/{model}/predict", files={"file": photo})
                self.outcomes[str(response.status_code)] += 1
            except httpx2.TransportError as exc:
                self.outcomes[type(exc).__name__] += 1
            self.milliseconds.append(1000 * (time.perf_counter() - began))
            number += self._concurrency
