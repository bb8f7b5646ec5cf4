"""The wheel's server on a machine with a GPU: every model is there, and nothing falls back to the host."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tritonclient.grpc import InferenceServerClient, model_config_pb2

from tests.e2e.conftest import model_repository
from tests.support.running_triton import RunningTriton, name_of
from tests.support.triton_client import ask_at_once, of_many_sizes
from training.export.profiles import load_profiles
from training.models.model_types import NETWORK_MODELS

__all__ = ["model_repository"]  # a fixture
pytestmark = [pytest.mark.gpu, pytest.mark.e2e]
PROFILE = "h100"


@pytest.fixture(scope="session")
def triton(model_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTriton]:
    """The server of these tests, tuned as a GPU has it."""
    server = RunningTriton(model_repository, tmp_path_factory.mktemp("triton") / "server.log", profile=PROFILE)
    server.start_and_wait()
    yield server
    server.stop()


@pytest.mark.parametrize("model", ["preprocess", *NETWORK_MODELS.values()])
def test_every_instance_is_on_the_gpu(triton: RunningTriton, model: str) -> None:
    with InferenceServerClient(triton.grpc_url) as client:
        groups = client.get_model_config(model).config.instance_group
    assert {group.kind for group in groups} == {model_config_pb2.ModelInstanceGroup.KIND_GPU}
    tuning = load_profiles()[PROFILE]
    assert (
        sum(group.count for group in groups)
        == (tuning.preprocess if model == "preprocess" else tuning.tuning_of(model)).instances
    )


def test_many_at_once_find_room_on_the_gpu(triton: RunningTriton) -> None:
    for model in NETWORK_MODELS:
        assert len(ask_at_once(triton.grpc_url, model, of_many_sizes(60))) == 60
    log = triton.log.read_text(errors="replace")
    assert "falling back to pinned system memory" not in log
    assert "load GPU buffers" not in log


def test_a_multi_process_service_of_its_own_serves_and_goes(
    model_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("nvidia-cuda-mps-control") is None:
        pytest.skip("needs nvidia-cuda-mps-control, which comes with the driver")
    monkeypatch.setenv("EMBEDDED_TRITON_MPS", "true")
    before = set(psutil.pids())
    server = RunningTriton(model_repository, tmp_path / "triton.log", profile=PROFILE)
    server.start_and_wait()
    try:
        for model in NETWORK_MODELS:
            assert len(ask_at_once(server.grpc_url, model, of_many_sizes(60))) == 60
        assert any(name.startswith("nvidia-cuda-mps") for name in _started_since(before))
    finally:
        server.stop()
    assert "take turns on the GPU" not in server.log.read_text(errors="replace")
    assert not [name for name in _started_since(before) if name.startswith("nvidia-cuda-mps")]


def _started_since(before: set[int]) -> list[str]:
    """Return the names of the processes that have begun since, and not ended while they were listed."""
    return [name for process in psutil.process_iter() if process.pid not in before if (name := name_of(process))]
