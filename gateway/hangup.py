"""Stops work for a client that has gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive

from gateway.errors import ClientGone


@asynccontextmanager
async def cancelled_on_hangup(receive: Receive) -> AsyncIterator[None]:
    """Cancels the block when the client closes the connection, and raises `ClientGone` in its place.

    To be entered when the body has been read: then the only thing that can still be received is the end.
    """
    task = asyncio.current_task()
    assert task is not None
    inside, hung_up = True, False

    def on_received(done: asyncio.Task[object]) -> None:
        nonlocal hung_up
        if inside and not done.cancelled():
            hung_up = True
            task.cancel()

    waiting = asyncio.create_task(_received(receive))
    waiting.add_done_callback(on_received)
    try:
        yield
    except asyncio.CancelledError:
        if hung_up and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        inside = False
        waiting.cancel()


async def _received(receive: Receive) -> object:
    return await receive()
