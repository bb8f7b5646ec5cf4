"""Work for a client that has gone is cancelled, and only that."""

import asyncio
from typing import Any

import pytest

from gateway.errors import ClientGone
from gateway.http.disconnect import CancelledOnHangup, hang_up


async def test_the_block_is_cancelled() -> None:
    scope: dict[str, Any] = {}
    asyncio.get_running_loop().call_soon(hang_up, scope)
    with pytest.raises(ClientGone):
        async with CancelledOnHangup(scope):
            await asyncio.sleep(20)
    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()


async def test_nothing_begins_for_a_client_that_has_gone_before() -> None:
    scope: dict[str, Any] = {}
    hang_up(scope)
    with pytest.raises(ClientGone):
        async with CancelledOnHangup(scope):
            pytest.fail("began")


async def test_what_comes_after_the_block_goes_on() -> None:
    scope: dict[str, Any] = {}
    async with CancelledOnHangup(scope):
        await asyncio.sleep(0)
    hang_up(scope)
    await asyncio.sleep(0)


async def test_cancelled_for_another_reason_stays_cancelled() -> None:
    async def work() -> None:
        async with CancelledOnHangup({}):
            await asyncio.sleep(20)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_gone_and_cancelled_at_once_stays_cancelled() -> None:
    scope: dict[str, Any] = {}

    async def work() -> None:
        async with CancelledOnHangup(scope):
            await asyncio.sleep(20)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    hang_up(scope)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
