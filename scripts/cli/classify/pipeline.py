"""Asks about many photos at once and hands the outcomes out in the order of the photos, in bounded memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from gateway.client import AsyncClient, Refused
from scripts.cli.classify import photos
from scripts.cli.classify.outcome import Answered, Failed, Outcome

#: Photos whose outcomes may wait for an earlier photo that takes long. They are small; photos are not kept.
_AHEAD = 1024
#: What will be the same for every photo.
_HOPELESS = frozenset({401, 404})

Take = Callable[[Sequence[Outcome]], None]


class Pipeline:
    """Classifies photos with each of the models; `concurrency` photos are in memory at any time."""

    def __init__(
        self, client: AsyncClient, models: Sequence[str], *, concurrency: int, threshold: float | None
    ) -> None:
        """Prepare.

        Args:
            client: whom to ask.
            models: the model types.
            concurrency: photos at the server at once.
            threshold: the confidence under which an answer is not sure, instead of that of the model's card.
        """
        self._client = client
        self._models = models
        self._concurrency = concurrency
        self._threshold = threshold

    async def run(self, files: AsyncIterator[str], take: Take) -> None:
        """Hand the outcomes of each file to `take`, in the order of the files: one for each model.

        Raises:
            ClientError: the server refuses every photo, or stayed away for longer than the patience.
        """
        tasks: asyncio.Queue[asyncio.Task[list[Outcome]] | None] = asyncio.Queue(_AHEAD)
        slots = asyncio.Semaphore(self._concurrency)

        async def ask(file: str) -> list[Outcome]:
            try:
                return await self._ask(file)
            finally:
                slots.release()

        try:
            async with asyncio.TaskGroup() as group:

                async def begin() -> None:
                    async for file in files:
                        await slots.acquire()
                        await tasks.put(group.create_task(ask(file)))
                    await tasks.put(None)

                group.create_task(begin())
                while (task := await tasks.get()) is not None:
                    take(await task)
        except ExceptionGroup as group_of_errors:
            # Where the server goes away, many photos fail at once, for one reason.
            raise group_of_errors.exceptions[0] from None

    async def _ask(self, file: str) -> list[Outcome]:
        try:
            photo = await asyncio.to_thread(photos.read, file)
        except photos.PhotoError as exc:
            return [Failed(file, model, None, "Not readable", str(exc)) for model in self._models]
        return [await self._classify(file, model, photo) for model in self._models]

    async def _classify(self, file: str, model: str, photo: bytes) -> Outcome:
        try:
            answer = await self._client.predict(model, photo)
        except Refused as exc:
            if exc.status in _HOPELESS:
                raise
            return Failed(file, model, exc.status, exc.title, exc.detail)
        not_sure = answer.not_sure if self._threshold is None else answer.confidence < self._threshold
        return Answered(file, model, answer.pred_class, dict(answer.classes), not_sure)
