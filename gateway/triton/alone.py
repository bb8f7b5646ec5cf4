"""Lets requests pass together, and a suspected one pass alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager


class Alone:
    """A gate between many requests at once and a single one.

    NVIDIA's DALI backend fails a whole batch for one bad image. A request that was failed so is sent again while
    nothing else is, which settles whether its own image is to blame.
    """

    def __init__(self) -> None:
        self._running = 0
        self._closed = False
        self._changed = asyncio.Condition()
        #: Waits while another request runs alone.
        self.together: AbstractAsyncContextManager[None] = _Together(self)

    async def _enter(self) -> None:
        if self._closed:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._closed)
        self._running += 1

    async def _leave(self) -> None:
        self._running -= 1
        if self._closed:
            async with self._changed:
                self._changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Holds new requests back, waits for those that run, and opens the gate again afterwards."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._closed)
            self._closed = True
            try:
                await self._changed.wait_for(lambda: self._running == 0)
            except BaseException:
                self._closed = False
                self._changed.notify_all()
                raise
        try:
            yield
        finally:
            self._closed = False
            async with self._changed:
                self._changed.notify_all()


class _Together(AbstractAsyncContextManager[None]):
    """No generator: every request enters and leaves here."""

    def __init__(self, gate: Alone) -> None:
        self._gate = gate

    async def __aenter__(self) -> None:
        await self._gate._enter()

    async def __aexit__(self, *_: object) -> None:
        await self._gate._leave()
