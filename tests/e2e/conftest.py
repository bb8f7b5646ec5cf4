"""Fixtures of the end-to-end tests: a server and a gateway to ask, and a server of tiny networks to kill."""

import importlib.util
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.given_triton import GivenTriton
from tests.support.running_gateway import RunningGateway, StartGateway
from tests.support.running_triton import ROOT, RunningTriton


@pytest.fixture(scope="session")
def model_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout's model repository with both networks exported: the released weights, or random ones."""
    for tool in ("pytriton", "nvidia.dali", "torch"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed: the serving environment (requirements/serve.txt) has it")
    import torch

    from training.dataset.specification import load_specification
    from training.export.torchscript import ensure_exported, export_network
    from training.models.build import build_network
    from training.models.calibrated import CalibratedNetwork
    from training.models.model_types import NETWORK_MODELS

    copy = tmp_path_factory.mktemp("repository") / "model_repository"
    shutil.copytree(ROOT / "model_repository", copy)
    try:
        ensure_exported(copy)
    except FileNotFoundError:  # no released weights: random ones, sharpened so that pictures are told apart
        torch.manual_seed(0)
        for model_type, model in NETWORK_MODELS.items():
            network = CalibratedNetwork(build_network(model_type, 6), 0.1).eval()
            path = copy / model / "1" / "model.pt"
            export_network(network, path, specification=load_specification(copy), fingerprint="random")
    return copy


@pytest.fixture(scope="session")
def triton(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningTriton | GivenTriton]:
    """The session's server of the released weights. Tests only ask it: one that harms a server takes ``toy_triton``."""
    if url := request.config.getoption("--triton-url"):
        given = GivenTriton(url, request.config.getoption("--triton-repository"))
        given.wait_until_ready()
        yield given
        return
    model_repository = request.getfixturevalue("model_repository")
    server = RunningTriton(model_repository, tmp_path_factory.mktemp("triton") / "server.log")
    server.start_and_wait()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def toy_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny networks behind the same ensembles: for tests that kill, restart or start servers."""
    for tool in ("pytriton", "nvidia.dali", "torch"):
        pytest.importorskip(tool, reason=f"{tool} is not installed: the serving environment has it")
    from tests.support.toy_repository import write_toy_repository

    return write_toy_repository(tmp_path_factory.mktemp("toy") / "model_repository")


@pytest.fixture(scope="session")
def shared_toy_triton(toy_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTriton]:
    """The session's server of tiny networks; tests ask for ``toy_triton``."""
    server = RunningTriton(toy_repository, tmp_path_factory.mktemp("toy-triton") / "server.log")
    with server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def toy_triton(shared_toy_triton: RunningTriton) -> Iterator[RunningTriton]:
    """The session's server of tiny networks, answering. A test may stop or harm it: it is brought back."""
    yield shared_toy_triton
    if not shared_toy_triton.is_up():
        shared_toy_triton.start_and_wait()
    shared_toy_triton.wait_until_ready()


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
def gateway(triton: RunningTriton, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The session's gateway before the released weights, ready."""
    yield from _gateway(triton, tmp_path_factory)


@pytest.fixture(scope="session")
def client(gateway: RunningGateway) -> Iterator[httpx.Client]:
    """A client of the session's gateway."""
    with httpx.Client(base_url=gateway.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def shared_toy_gateway(
    shared_toy_triton: RunningTriton, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """The session's gateway before tiny networks; tests ask for ``toy_gateway``."""
    yield from _gateway(shared_toy_triton, tmp_path_factory)


def _gateway(triton: RunningTriton, folders: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    # The deadline is long, so that a slow machine fails no test; tests of deadlines ask for shorter ones.
    gateway = RunningGateway(triton.grpc_url, folders.mktemp("gateway") / "gateway.log", deadline_seconds=120)
    gateway.wait_until("/health/ready")
    yield gateway
    assert gateway.end() == 0


@pytest.fixture
def toy_gateway(shared_toy_gateway: RunningGateway, toy_triton: RunningTriton) -> RunningGateway:
    """The session's gateway before tiny networks, connected again where a test before has harmed the server."""
    shared_toy_gateway.wait_until("/health/ready")
    # Each model is asked: ready may speak of an answer up to ten seconds old, from before a server was harmed.
    photo = {"file": (ROOT / "scripts" / "samples" / "drawn_can.webp").read_bytes()}
    for model in ("raw", "pretrained"):
        for _ in range(120):
            if httpx.post(f"{shared_toy_gateway.url}/{model}/predict", files=photo, timeout=60).is_success:
                break
            time.sleep(0.5)
    return shared_toy_gateway
