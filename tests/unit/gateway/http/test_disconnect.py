"""Work for a client that has gone is cancelled, and only that."""

import asyncio

import pytest

from gateway.errors import ClientGone
from gateway.http.context import RequestContext
from gateway.http.disconnect import cancelled_on_disconnect


@pytest.fixture
def context() -> RequestContext:
    return RequestContext("id", "POST", "/raw/predict")


async def test_the_block_is_cancelled(context: RequestContext) -> None:
    asyncio.get_running_loop().call_soon(context.disconnect)
    with pytest.raises(ClientGone):
        async with cancelled_on_disconnect(context):
            await asyncio.sleep(20)
    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()


async def test_nothing_begins_for_a_client_that_has_gone_before(context: RequestContext) -> None:
    context.disconnect()
    with pytest.raises(ClientGone):
        async with cancelled_on_disconnect(context):
            pytest.fail("began")


async def test_the_connection_is_read_again(context: RequestContext) -> None:
    resumed: list[bool] = []
    context.resume_reading = lambda: resumed.append(True)
    async with cancelled_on_disconnect(context):
        assert resumed == [True]


async def test_what_comes_after_the_block_goes_on(context: RequestContext) -> None:
    async with cancelled_on_disconnect(context):
        await asyncio.sleep(0)
    context.disconnect()
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("pauses", range(4))
async def test_client_that_goes_while_the_block_ends(context: RequestContext, pauses: int) -> None:
    """Either the block has ended or it is cancelled, and nothing is left behind."""
    try:
        async with cancelled_on_disconnect(context):
            await asyncio.sleep(0)
            context.disconnect()
            for _ in range(pauses):
                await asyncio.sleep(0)
    except ClientGone:
        pass
    for _ in range(5):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_its_own_timeouts_stay_timeouts(context: RequestContext) -> None:
    with pytest.raises(TimeoutError):
        async with cancelled_on_disconnect(context):
            raise TimeoutError


async def test_cancelled_for_another_reason_stays_cancelled(context: RequestContext) -> None:
    async def work() -> None:
        async with cancelled_on_disconnect(context):
            await asyncio.sleep(20)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("pauses", range(5))
async def test_gone_and_cancelled_stays_cancelled(context: RequestContext, pauses: int) -> None:
    async def work() -> None:
        async with cancelled_on_disconnect(context):
            await asyncio.sleep(20)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    context.disconnect()
    for _ in range(pauses):
        await asyncio.sleep(0)
    cancelled = task.cancel()
    with pytest.raises(asyncio.CancelledError if cancelled else ClientGone):
        await task
