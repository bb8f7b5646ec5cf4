"""Two real servers on two addresses of the loopback: turns are taken, a dead one is left out and taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.gateway.conftest import StartGateway
from tests.e2e.gateway.load import Call, at_once, executed
from tests.e2e.gateway.running_gateway import RunningGateway
from tests.e2e.running_triton import RunningTriton
from tests.pictures import bottle, encode

pytestmark = pytest.mark.e2e
PHOTO = encode(bottle(), "JPEG")


@pytest.fixture
def second(model_repository: Path, tmp_path: Path) -> Iterator[RunningTriton]:
    server = RunningTriton(model_repository, tmp_path / "second.log")
    server.start()
    yield server
    if server.is_up():
        server.stop()


def shares(gateway: RunningGateway, servers: list[RunningTriton], requests: int) -> list[int]:
    """How many of the answered requests each server executed."""
    before = [executed(server.grpc_url, "raw") for server in servers]
    responses = at_once(gateway.url, [Call("/raw/predict", PHOTO)] * requests, 8)
    assert [response.status_code for response in responses] == [200] * requests
    return [executed(server.grpc_url, "raw") - count for server, count in zip(servers, before, strict=True)]


def test_two_servers(triton: RunningTriton, second: RunningTriton, start_gateway: StartGateway) -> None:
    gateway = start_gateway(f"{triton.grpc_url},{second.grpc_url}")
    assert min(shares(gateway, [triton, second], 60)) >= 20

    second.stop()
    responses = at_once(gateway.url, [Call("/raw/predict", PHOTO)] * 60, 8)
    assert [response.status_code for response in responses] == [200] * 60
    assert shares(gateway, [triton], 30)[0] >= 30
    gateway.wait_until("/health/ready")

    second.start()
    for _ in range(20):
        if min(shares(gateway, [triton, second], 30)) >= 10:
            break
    else:
        pytest.fail("the second server was not taken back")
