"""SIGTERM: running requests are answered, new ones refused, and the status is 0."""

import signal
import threading
import time

import httpx
import pytest

from tests.support.load import Call, at_once
from tests.support.pictures import bottle, encode
from tests.support.running_gateway import StartGateway
from tests.support.running_triton import RunningTriton

pytestmark = pytest.mark.e2e
PHOTO = encode(bottle(), "JPEG")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_requests_are_answered(
    triton: RunningTriton, start_gateway: StartGateway, number: signal.Signals
) -> None:
    gateway = start_gateway(triton.grpc_url)
    responses: list[httpx.Response] = []

    def send() -> None:
        responses.extend(at_once(gateway.url, [Call("/pretrained/predict", PHOTO)] * 30, 30))

    sender = threading.Thread(target=send)
    sender.start()
    deadline = time.monotonic() + 30
    while gateway.metric("gateway_concurrent_requests") < 20:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert gateway.end(number) == 0
    sender.join(60)
    assert [response.status_code for response in responses] == [200] * 30
    with pytest.raises(httpx.ConnectError):
        httpx.get(gateway.url + "/health/live")


def test_load_balancers_are_told_first(toy_triton: RunningTriton, start_gateway: StartGateway) -> None:
    gateway = start_gateway(toy_triton.grpc_url, drain_seconds=2)
    gateway.process.send_signal(signal.SIGTERM)
    gateway.wait_until("/health/ready", 503)
    assert "stopping" in httpx.get(gateway.url + "/health/ready").json()["detail"]
    answer = httpx.post(f"{gateway.url}/raw/predict", files={"file": PHOTO}, timeout=30)
    assert answer.status_code == 200
    assert gateway.process.wait(30) == 0


def test_idle_connections_do_not_delay_the_end(toy_triton: RunningTriton, start_gateway: StartGateway) -> None:
    gateway = start_gateway(toy_triton.grpc_url, grace_seconds=25)
    with httpx.Client(base_url=gateway.url) as client:
        client.get("/health/live")
        began = time.monotonic()
        assert gateway.end() == 0
        assert time.monotonic() - began < 20
