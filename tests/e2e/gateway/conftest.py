"""Fixtures: a gateway before the session's Triton, and gateways with settings or servers of their own."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.gateway.running_gateway import RunningGateway
from tests.e2e.running_triton import ROOT, RunningTriton

StartGateway = Callable[..., RunningGateway]


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[StartGateway]:
    """Starts gateways before the addresses that it is given, and stops them after the test."""
    started: list[RunningGateway] = []

    def start(triton_url: str, *, wait: str = "/health/ready", **settings: object) -> RunningGateway:
        gateway = RunningGateway(triton_url, tmp_path / f"gateway-{len(started)}.log", **settings)
        started.append(gateway)
        gateway.wait_until(wait)
        return gateway

    yield start
    for gateway in started:
        if gateway.process.poll() is None:
            gateway.stop()


@pytest.fixture(scope="session")
def shared_gateway(shared_triton: RunningTriton, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The session's gateway; tests ask for ``gateway``."""
    # The deadline is long, so that a slow machine fails no test; tests of deadlines ask for shorter ones.
    log = tmp_path_factory.mktemp("gateway") / "gateway.log"
    gateway = RunningGateway(shared_triton.grpc_url, log, deadline_seconds=120)
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture
def gateway(shared_gateway: RunningGateway, triton: RunningTriton) -> RunningGateway:
    """The session's gateway, ready, and connected again where a test before has harmed the server.

    Ready may speak of an answer up to ten seconds old, from before the harm: so each model is asked.
    """
    shared_gateway.wait_until("/health/ready")
    photo = {"file": (ROOT / "scripts" / "samples" / "drawn_can.webp").read_bytes()}
    for model in ("raw", "pretrained"):
        for _ in range(120):
            if httpx.post(f"{shared_gateway.url}/{model}/predict", files=photo, timeout=60).is_success:
                break
            time.sleep(0.5)
    return shared_gateway


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx.Client]:
    """A client of the session's gateway."""
    with httpx.Client(base_url=gateway.url, timeout=60) as client:
        yield client
