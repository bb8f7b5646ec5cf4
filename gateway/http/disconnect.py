"""Stops work for a client that has disconnected."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.errors import ClientGone
from gateway.http.context import RequestContext


@asynccontextmanager
async def cancelled_on_disconnect(context: RequestContext) -> AsyncIterator[None]:
    """Cancel the block when the client closes the connection. To be entered when the body has been read.

    Args:
        context: Of the request that the block works for.

    Raises:
        ClientGone: In place of the cancellation, or at once where the client has gone before.
    """
    if context.disconnected.is_set():
        raise ClientGone
    context.resume_reading()
    try:
        async with asyncio.timeout(None) as context.work:
            try:
                yield
            finally:
                work, context.work = context.work, None
    except TimeoutError:
        if work.expired():
            raise ClientGone from None
        raise
