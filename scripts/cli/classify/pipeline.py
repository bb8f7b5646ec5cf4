"""Asks for many photos at once and hands the outcomes out in the order of the photos, in bounded memory."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor

from scripts.cli.classify import photos
from scripts.cli.classify.outcome import Failed, Outcome
from scripts.cli.classify.server import Busy, Server, ServerError

#: Outcomes that may wait for an earlier photo whose answer takes long. They are small; photos are not kept.
_AHEAD = 1024


class Pipeline:
    """Classifies photos with one model; `in_flight` photos are in memory and at the server at any time."""

    def __init__(self, server: Server, model: str, *, in_flight: int, patience: float) -> None:
        """Prepares.

        Args:
            server: whom to ask.
            model: the model type, as in the URL.
            in_flight: photos at the server at once.
            patience: seconds that a photo waits for a server that is busy, restarting or away.
        """
        self._server = server
        self._model = model
        self._in_flight = in_flight
        self._patience = patience

    async def outcomes(self, files: Iterable[str]) -> AsyncIterator[Outcome]:
        """Yields an outcome for each file, in their order.

        Raises:
            ServerError: the server refuses every photo, or stayed away for longer than the patience.
        """
        slots = asyncio.Semaphore(self._in_flight)
        tasks: deque[asyncio.Task[Outcome]] = deque()
        with ThreadPoolExecutor(self._in_flight, thread_name_prefix="classify") as pool:

            async def ask(file: str) -> Outcome:
                try:
                    return await self._ask(file, pool)
                finally:
                    slots.release()

            try:
                for file in files:
                    await slots.acquire()
                    tasks.append(asyncio.create_task(ask(file)))
                    while tasks and (tasks[0].done() or len(tasks) > _AHEAD):
                        yield await tasks.popleft()
                while tasks:
                    yield await tasks.popleft()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, file: str, pool: ThreadPoolExecutor) -> Outcome:
        loop = asyncio.get_running_loop()
        give_up = time.monotonic() + self._patience
        photo: bytes | None = None
        while True:
            photo, answer = await loop.run_in_executor(pool, self._send, file, photo)
            if not isinstance(answer, Busy):
                return answer
            if time.monotonic() + answer.seconds > give_up:
                if answer.failure.status is None:
                    raise ServerError(f"{self._server.url} has not answered for {self._patience:g} seconds.")
                return answer.failure
            await asyncio.sleep(answer.seconds)

    def _send(self, file: str, photo: bytes | None) -> tuple[bytes | None, Outcome | Busy]:
        """Sends a photo, which is read first where it was not yet: each way to a thread and back costs 0.1 ms."""
        if photo is None:
            try:
                photo = photos.read(file)
            except photos.PhotoError as error:
                return None, Failed(file, None, "Not readable", str(error))
        return photo, self._server.classify(self._model, file, photo)
