"""The wheel's server on a machine with a GPU: every model is there, and nothing falls back to the host."""

import pytest
from tritonclient.grpc import InferenceServerClient, model_config_pb2

from tests.e2e.asking import ask_at_once, of_many_sizes
from tests.e2e.conftest import model_repository, shared_triton, triton
from tests.e2e.running_triton import RunningTriton
from training.model_types import NETWORK_MODELS

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
