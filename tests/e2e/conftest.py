"""Fixtures of the end-to-end tests: one exported model repository and one real Triton server for the whole session."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.given_triton import GivenTriton
from tests.e2e.running_triton import ROOT, RunningTriton


@pytest.fixture(scope="session")
def model_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout's model repository with both networks exported: the shipped weights, or random ones."""
    for tool in ("pytriton", "nvidia.dali", "torch"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed: the serving environment (requirements/serve.txt) has it")
    import torch

    from training.export import ServedNetwork, ensure_exported, export_network
    from training.model_types import NETWORK_MODELS
    from training.networks import build_network
    from training.specification import load_specification

    copy = tmp_path_factory.mktemp("repository") / "model_repository"
    shutil.copytree(ROOT / "model_repository", copy, ignore=shutil.ignore_patterns("model.int8.pt"))
    try:
        ensure_exported(copy)
    except FileNotFoundError:  # no shipped weights: random ones, sharpened so that pictures are told apart
        torch.manual_seed(0)
        for model_type, model in NETWORK_MODELS.items():
            network = ServedNetwork(build_network(model_type, 6), 0.1).eval().to(memory_format=torch.channels_last)
            path = copy / model / "1" / "model.pt"
            export_network(network, path, specification=load_specification(copy), stamp="random")
    return copy


@pytest.fixture(scope="session")
def shared_triton(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningTriton | GivenTriton]:
    """The session's server; tests ask for ``triton``, which hands it over healthy."""
    if url := request.config.getoption("--triton-url"):
        given = GivenTriton(url, request.config.getoption("--triton-repository"))
        given.wait_until_ready()
        yield given
        return
    model_repository = request.getfixturevalue("model_repository")
    server = RunningTriton(model_repository, tmp_path_factory.mktemp("triton") / "server.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def triton(shared_triton: RunningTriton | GivenTriton) -> Iterator[RunningTriton | GivenTriton]:
    """The session's server, answering. A test may stop, restart or harm it: it is brought back."""
    yield shared_triton
    if not shared_triton.is_up():
        shared_triton.start()
    shared_triton.wait_until_ready()
