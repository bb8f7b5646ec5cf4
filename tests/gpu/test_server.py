"""The wheel's server on a machine with a GPU: every model is there, and nothing falls back to the host."""

import shutil
from pathlib import Path

import psutil
import pytest
from tritonclient.grpc import InferenceServerClient, model_config_pb2

from tests.e2e.conftest import model_repository, shared_triton, triton
from tests.support.running_triton import RunningTriton
from tests.support.triton_client import ask_at_once, of_many_sizes
from training.models.model_types import NETWORK_MODELS

__all__ = ["model_repository", "shared_triton", "triton"]  # fixtures
pytestmark = [pytest.mark.gpu, pytest.mark.e2e]


@pytest.mark.parametrize("model", ["preprocess", *NETWORK_MODELS.values()])
def test_every_instance_is_on_the_gpu(triton: RunningTriton, model: str) -> None:
    with InferenceServerClient(triton.grpc_url) as client:
        groups = client.get_model_config(model).config.instance_group
    assert {group.kind for group in groups} == {model_config_pb2.ModelInstanceGroup.KIND_GPU}


def test_full_queues_find_room_on_the_gpu(triton: RunningTriton) -> None:
    for model in NETWORK_MODELS:
        answers = ask_at_once(triton.grpc_url, model, of_many_sizes(60))
        assert not [answer for answer in answers if isinstance(answer, Exception)]
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
    server = RunningTriton(model_repository, tmp_path / "triton.log")
    server.start_and_wait()
    try:
        for model in NETWORK_MODELS:
            answers = ask_at_once(server.grpc_url, model, of_many_sizes(60))
            assert not [answer for answer in answers if isinstance(answer, Exception)]
        names = [process.name() for process in psutil.process_iter() if process.pid not in before]
        assert any(name.startswith("nvidia-cuda-mps") for name in names)
    finally:
        server.stop()
    assert "take turns on the GPU" not in server.log.read_text(errors="replace")
    left = [process.name() for process in psutil.process_iter() if process.pid not in before]
    assert not [name for name in left if name.startswith("nvidia-cuda-mps")]
