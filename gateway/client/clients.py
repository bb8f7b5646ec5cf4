"""The clients: they send the requests of the calls and wait where a call says so."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Self, TypeVar

import httpx2

from gateway.client.calls import Calls, Outcome, Steps
from gateway.client.photos import forms, read
from gateway.client.types import Explanation, Model, Photo, Prediction, Refused

_T = TypeVar("_T")


class Client:
    """Asks a gateway. Threads may share a client; as a context manager it closes its connections.

    Answers 408, 429, 503, 504 and lost connections are asked again, after Retry-After where there is one.
    """

    def __init__(
        self, url: str = "http://localhost:8080", *, api_key: str | None = None, patience: float = 30.0
    ) -> None:
        """Prepare; the first question connects.

        Args:
            url: Where the gateway is.
            api_key: Needed where the gateway has keys.
            patience: Seconds after which a call does not wait any more for a gateway that is busy or away.

        Raises:
            Unreachable: The URL is none.
        """
        self._calls = Calls(url, api_key, patience)
        self._http = httpx2.Client(**self._calls.options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def models(self) -> list[Model]:
        """Return the models of the gateway; it is asked once, whatever the patience."""
        return self._run(self._calls.models())

    def predict(self, model: str, photo: Photo) -> Prediction:
        """Classify a photo. Raises OSError where its file cannot be read."""
        return self._run(self._calls.predict(model, *read(photo)))

    def predict_batch(self, model: str, photos: Iterable[Photo]) -> Iterator[Prediction | Refused]:
        """Classify photos, as many in a request as the gateway takes; yield what became of each, in their order."""
        if self._calls.batch_limits is None:
            self.models()
        for files in forms(photos, self._calls.batch_limits):
            yield from self._run(self._calls.predict_form(model, files))

    def explain(self, model: str, photo: Photo, *, label: str | None = None, layer: str = "photo") -> Explanation:
        """Draw where the network found signs of a class, ``label`` or the predicted one.

        ``layer`` is "photo" for the map over the photo, "heat" for the map alone.
        """
        return self._run(self._calls.explain(model, *read(photo), label, layer))

    def _run(self, steps: Steps[_T]) -> _T:
        outcome: Outcome | None = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = None
                if isinstance(step, float):
                    time.sleep(step)
                    continue
                try:
                    outcome = self._http.send(step)
                except httpx2.TransportError as exc:
                    outcome = exc
        except StopIteration as done:
            result: _T = done.value
            return result


class AsyncClient:
    """`Client` for asyncio: the same calls. A call that is cancelled ends its request, and the gateway the work for it.

    Connections are made as they are needed: bound concurrent calls with a semaphore.
    """

    def __init__(
        self, url: str = "http://localhost:8080", *, api_key: str | None = None, patience: float = 30.0
    ) -> None:
        """See `Client`."""
        self._calls = Calls(url, api_key, patience)
        self._http = httpx2.AsyncClient(**self._calls.options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def models(self) -> list[Model]:
        """See `Client.models`."""
        return await self._run(self._calls.models())

    async def predict(self, model: str, photo: Photo) -> Prediction:
        """See `Client.predict`."""
        return await self._run(self._calls.predict(model, *await asyncio.to_thread(read, photo)))

    async def predict_batch(self, model: str, photos: Iterable[Photo]) -> AsyncIterator[Prediction | Refused]:
        """See `Client.predict_batch`."""
        if self._calls.batch_limits is None:
            await self.models()
        parts = forms(photos, self._calls.batch_limits)
        while files := await asyncio.to_thread(next, parts, None):
            for result in await self._run(self._calls.predict_form(model, files)):
                yield result

    async def explain(self, model: str, photo: Photo, *, label: str | None = None, layer: str = "photo") -> Explanation:
        """See `Client.explain`."""
        file = await asyncio.to_thread(read, photo)
        return await self._run(self._calls.explain(model, *file, label, layer))

    async def _run(self, steps: Steps[_T]) -> _T:
        outcome: Outcome | None = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = None
                if isinstance(step, float):
                    await asyncio.sleep(step)
                    continue
                try:
                    outcome = await self._http.send(step)
                except httpx2.TransportError as exc:
                    outcome = exc
        except StopIteration as done:
            result: _T = done.value
            return result
