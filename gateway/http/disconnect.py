"""Stops work for a client that has gone."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from starlette.types import Scope

from gateway.errors import ClientGone

_KEY, _READ_ON = "gateway.http.disconnect", "gateway.read_on"
_GONE = object()


def make_watchable(scope: Scope, read_on: Callable[[], None]) -> None:
    """To be called for each request: `read_on` has its connection read again where a large body has paused that.

    The end of a connection that nobody reads is never seen.
    """
    scope[_READ_ON] = read_on


def hang_up(scope: Scope) -> None:
    """To be called where the connection of a request that is not answered yet has ended."""
    watch = scope.get(_KEY)
    scope[_KEY] = _GONE
    if isinstance(watch, CancelledOnHangup):
        watch.cancel()


class CancelledOnHangup(AbstractAsyncContextManager[None]):
    """Cancels the block when the client closes the connection, and raises `ClientGone` in its place.

    To be entered when the body has been read. ASGI tells of the end to whoever receives, which would want a task of its
    own for each request. So the protocol says it (`hang_up`).
    """

    __slots__ = ("_hung_up", "_scope", "_task")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._hung_up = False

    async def __aenter__(self) -> None:
        """Begins to watch. Raises `ClientGone` where there is nobody any more."""
        if self._scope.get(_KEY) is _GONE:
            raise ClientGone
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._scope[_KEY] = self
        if read_on := self._scope.get(_READ_ON):
            read_on()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends to watch."""
        if self._hung_up:
            if kind is asyncio.CancelledError and self._task.uncancel() == 0:
                raise ClientGone from None
        else:
            del self._scope[_KEY]

    def cancel(self) -> None:
        """Cancels the block."""
        self._hung_up = True
        self._task.cancel()
