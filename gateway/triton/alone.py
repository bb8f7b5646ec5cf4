"""Lets requests pass together, and a suspected one pass alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Alone:
    """A gate between many requests at once and a single one.

    NVIDIA's DALI backend fails a whole batch for one bad image. A request that was failed so is sent again while
    nothing else is, which settles whether its own image is to blame.
    """

    def __init__(self) -> None:
        self._running = 0
        self._closed = False
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Waits while another request runs alone."""
        if self._closed:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._closed)
        self._running += 1
        try:
            yield
        finally:
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
