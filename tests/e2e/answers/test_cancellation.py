"""Deadlines and hung-up clients: what Triton still executes, and when a slot is free again."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import httpx
import pytest

from tests.support.load import Call, at_once, executed
from tests.support.pictures import bottle, encode
from tests.support.running_gateway import RunningGateway
from tests.support.running_triton import RunningTriton

pytestmark = pytest.mark.e2e
# Decoding this takes long enough for a queue to form before the first step of the ensemble.
# Slow to decode: a JPEG of this size is decoded at a fraction of it.
PHOTO = encode(bottle(2400, 1800), "PNG")
SMALL = encode(bottle(), "JPEG")
REQUESTS = 36
# Background inferences of the gateway and of the server's supervisor come on top of what is counted.
PROBES = 10


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def slots(gateway: RunningGateway) -> float:
    return gateway.metric("gateway_concurrent_requests", model="pretrained")


def assert_slots_are_free_only_when_triton_is_done(gateway: RunningGateway, triton: RunningTriton) -> None:
    until(lambda: slots(gateway) == 0)
    done = executed(triton.grpc_url, "preprocess"), executed(triton.grpc_url, "resnet50")
    time.sleep(2)
    later = executed(triton.grpc_url, "preprocess"), executed(triton.grpc_url, "resnet50")
    assert later[0] - done[0] <= PROBES
    assert later[1] - done[1] <= PROBES


def test_deadlines(gateway: RunningGateway, triton: RunningTriton) -> None:
    before = executed(triton.grpc_url, "preprocess"), executed(triton.grpc_url, "resnet50")
    calls = [Call("/pretrained/predict", PHOTO, (("X-Request-Timeout", "0.3"),))] * REQUESTS
    responses = at_once(gateway.url, calls, REQUESTS)
    statuses = [response.status_code for response in responses]
    assert set(statuses) <= {200, 504}
    assert statuses.count(504) >= REQUESTS // 2
    assert_slots_are_free_only_when_triton_is_done(gateway, triton)
    # What stood in the first queue was decoded all the same, but did not go on to the network.
    assert executed(triton.grpc_url, "preprocess") - before[0] <= REQUESTS + 2 * PROBES
    assert executed(triton.grpc_url, "resnet50") - before[1] <= REQUESTS // 2 + PROBES


def test_clients_that_hang_up(gateway: RunningGateway, triton: RunningTriton) -> None:
    before = executed(triton.grpc_url, "resnet50")

    async def hang_up() -> None:
        limits = httpx.Limits(max_connections=REQUESTS)
        async with httpx.AsyncClient(base_url=gateway.url, limits=limits, timeout=0.4) as client:

            async def send() -> None:
                with contextlib.suppress(httpx.TimeoutException):
                    await client.post("/pretrained/predict", files={"file": PHOTO})

            await asyncio.gather(*(send() for _ in range(REQUESTS)))

    asyncio.run(hang_up())
    assert_slots_are_free_only_when_triton_is_done(gateway, triton)
    assert executed(triton.grpc_url, "resnet50") - before <= REQUESTS // 2 + PROBES
    assert gateway.metric("gateway_requests_total", model="pretrained", outcome="client_gone") > 0


def test_full_speed_after_a_wave_of_cancellations(gateway: RunningGateway) -> None:
    calls = [Call("/pretrained/predict", PHOTO, (("X-Request-Timeout", "0.2"),))] * REQUESTS
    at_once(gateway.url, calls, REQUESTS)
    until(lambda: slots(gateway) == 0)
    responses = at_once(gateway.url, [Call("/pretrained/predict", SMALL)] * REQUESTS, REQUESTS)
    assert {response.status_code for response in responses} == {200}
