"""Triton killed, hung, restarted, disconnected, or without a backend process: the gateway recovers by itself."""

import os
import signal
import threading
import time

import httpx
import psutil
import pytest

from tests.support.load import Call, at_once, executed
from tests.support.pictures import bottle, encode
from tests.support.running_gateway import RunningGateway, StartGateway
from tests.support.running_triton import RunningTriton
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
PHOTO = encode(bottle(), "JPEG")


def ask(gateway: RunningGateway, model: str = "raw", **headers: str) -> httpx.Response:
    return httpx.post(f"{gateway.url}/{model}/predict", files={"file": PHOTO}, headers=headers, timeout=60)


def assert_problem(response: httpx.Response, *statuses: int) -> None:
    assert response.status_code in statuses, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    if response.status_code in (429, 503):
        assert int(response.headers["retry-after"]) >= 1


def wait_for_answer(gateway: RunningGateway, model: str = "raw", seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while (response := ask(gateway, model)).status_code != 200:
        assert_problem(response, 429, 503, 504)
        assert time.monotonic() < end, response.text
        time.sleep(0.2)


def test_server_stopped_and_started_again(
    toy_gateway: RunningGateway, toy_triton: RunningTriton, start_gateway: StartGateway
) -> None:
    """Two gateways recover: one that had answers before, and one that starts before Triton does."""
    expected = ask(toy_gateway).json()
    toy_triton.stop()
    for model in ("raw", "pretrained"):
        assert_problem(ask(toy_gateway, model), 503)
    toy_gateway.wait_until("/health/ready", 503)
    assert httpx.get(toy_gateway.url + "/health/live").status_code == 200
    early = start_gateway(toy_triton.grpc_url, wait="/health/live")
    assert_problem(httpx.get(early.url + "/health/ready"), 503)
    assert_problem(ask(early), 503)
    toy_triton.start_and_wait()
    wait_for_answer(toy_gateway)
    for gateway in (toy_gateway, early):
        gateway.wait_until("/health/ready")
        assert ask(gateway).json() == expected


def test_server_killed_while_it_works(toy_gateway: RunningGateway, toy_triton: RunningTriton) -> None:
    """Every request has an answer; the supervisor starts another server and leaves nothing of the killed one."""
    responses: list[httpx.Response] = []
    before = executed(toy_triton.grpc_url, "resnet50")
    killed, segments = toy_triton.server_pid, set(toy_triton.segments())

    def send() -> None:
        responses.extend(at_once(toy_gateway.url, [Call("/pretrained/predict", PHOTO)] * 300, 30))

    sender = threading.Thread(target=send)
    sender.start()
    assert eventually(lambda: executed(toy_triton.grpc_url, "resnet50") >= before + 20, 60)
    os.kill(killed, signal.SIGKILL)
    sender.join(120)
    assert not sender.is_alive()
    assert len(responses) == 300
    for response in responses:
        if response.status_code != 200:
            assert_problem(response, 503, 504)
    assert any(response.status_code != 200 for response in responses)
    wait_for_answer(toy_gateway)
    assert toy_gateway.metric("gateway_concurrent_requests") == 0
    assert eventually(lambda: not psutil.pid_exists(killed))
    toy_triton.wait_until_ready()
    assert toy_triton.server_pid != killed
    assert segments.isdisjoint(toy_triton.segments())


def test_server_that_hangs(toy_gateway: RunningGateway, toy_triton: RunningTriton) -> None:
    server = toy_triton.server_pid
    os.kill(server, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert_problem(ask(toy_gateway, "raw", **{"X-Request-Timeout": "0.5"}), 504)
        assert time.monotonic() - began < 5
        assert toy_gateway.metric("gateway_concurrent_requests", model="raw") == 1
    finally:
        os.kill(server, signal.SIGCONT)
    wait_for_answer(toy_gateway)
    end = time.monotonic() + 20
    while toy_gateway.metric("gateway_concurrent_requests") != 0:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("model", ["preprocess", "raw_cnn"])
def test_backend_process_killed(toy_gateway: RunningGateway, toy_triton: RunningTriton, model: str) -> None:
    """The supervisor notices it and starts another server, which answers the same."""
    expected, server = ask(toy_gateway).json(), toy_triton.server_pid
    toy_triton.kill_backend(model)
    assert eventually(lambda: not psutil.pid_exists(server))
    wait_for_answer(toy_gateway, "raw")
    wait_for_answer(toy_gateway, "pretrained")
    assert ask(toy_gateway).json() == expected
