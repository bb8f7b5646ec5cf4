"""Two real servers on two addresses of the loopback: asked in turn; one that ended is left out until it is back."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.load import Call, at_once, executed
from tests.support.pictures import bottle, encode
from tests.support.running_gateway import RunningGateway, StartGateway
from tests.support.running_triton import RunningTriton
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
PHOTO = encode(bottle(), "JPEG")


@pytest.fixture(scope="module")
def second(toy_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTriton]:
    """Another server of tiny networks; the last test kills it."""
    server = RunningTriton(toy_repository, tmp_path_factory.mktemp("second") / "server.log")
    server.start_and_wait()
    yield server
    if server.is_up():
        server.stop()


def shares(gateway: RunningGateway, servers: list[RunningTriton], requests: int) -> list[int]:
    """How many of the answered requests each server executed; Triton counts them a moment after it has answered."""

    def executions() -> list[int]:
        return [executed(server.grpc_url, "raw") for server in servers]

    before = executions()
    responses = at_once(gateway.url, [Call("/raw/predict", PHOTO)] * requests, 8)
    assert [response.status_code for response in responses] == [200] * requests
    eventually(lambda: sum(executions()) - sum(before) >= requests, seconds=20)
    return [now - then for now, then in zip(executions(), before, strict=True)]


def test_two_servers(toy_triton: RunningTriton, second: RunningTriton, start_gateway: StartGateway) -> None:
    gateway = start_gateway(f"{toy_triton.grpc_url},{second.grpc_url}", deadline_seconds=120)
    assert min(shares(gateway, [toy_triton, second], 60)) >= 20

    second.stop()
    responses = at_once(gateway.url, [Call("/raw/predict", PHOTO)] * 60, 8)
    assert [response.status_code for response in responses] == [200] * 60
    assert shares(gateway, [toy_triton], 30)[0] >= 30
    gateway.wait_until("/health/ready")

    second.start_and_wait()
    for _ in range(20):
        if min(shares(gateway, [toy_triton, second], 30)) >= 10:
            break
    else:
        pytest.fail("the second server was not taken back")


def test_server_killed_while_it_works(
    toy_triton: RunningTriton, second: RunningTriton, start_gateway: StartGateway
) -> None:
    """What the killed one was working on is sent again, to the other."""
    gateway = start_gateway(f"{toy_triton.grpc_url},{second.grpc_url}", deadline_seconds=120)
    responses: list[httpx.Response] = []

    def send() -> None:
        responses.extend(at_once(gateway.url, [Call("/raw/predict", PHOTO)] * 200, 16))

    sender = threading.Thread(target=send)
    before = executed(second.grpc_url, "raw")
    sender.start()
    while executed(second.grpc_url, "raw") < before + 10:
        time.sleep(0.02)
    os.kill(second.server_pid, signal.SIGKILL)
    sender.join(120)
    assert [response.status_code for response in responses] == [200] * 200
    assert httpx.get(gateway.url + "/health/ready").status_code == 200
