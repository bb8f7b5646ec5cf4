"""A lock that many requests hold together, or one alone (a readers-writer lock) for asyncio."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager


class SharedLock:
    """Held by any number of requests at once, or by a single one.

    NVIDIA's DALI backend fails a whole batch for one bad image. A request that failed with its batch is sent again
    while it holds the lock alone, which settles whether its own image is to blame.
    """

    def __init__(self) -> None:
        self._holders = 0
        self._is_exclusive = False
        self._changed = asyncio.Condition()
        self._shared = _Shared(self)

    def shared(self) -> AbstractAsyncContextManager[None]:
        """Hold the lock together with others; wait while one holds it alone."""
        return self._shared

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Hold the lock alone: let no new holder in, and wait for those that are inside."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._is_exclusive)
            self._is_exclusive = True
            try:
                await self._changed.wait_for(lambda: self._holders == 0)
            except BaseException:
                self._is_exclusive = False
                self._changed.notify_all()
                raise
        try:
            yield
        finally:
            self._is_exclusive = False
            async with self._changed:
                self._changed.notify_all()

    async def _enter(self) -> None:
        if self._is_exclusive:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._is_exclusive)
        self._holders += 1

    async def _leave(self) -> None:
        self._holders -= 1
        if self._is_exclusive:
            async with self._changed:
                self._changed.notify_all()


class _Shared(AbstractAsyncContextManager[None]):
    """No generator: every request enters and leaves here."""

    def __init__(self, lock: SharedLock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        await self._lock._enter()

    async def __aexit__(self, *_: object) -> None:
        await self._lock._leave()
