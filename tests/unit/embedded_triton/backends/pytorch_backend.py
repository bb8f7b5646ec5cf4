"""Small TorchScript networks behind the Python-based PyTorch backend, and requests to it."""

import json
import shutil
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.torchscript import write_traced
from tests.unit.embedded_triton.backends.backend_loading import FINAL, InferenceResponse, Tensor, load_backend


class Small(nn.Module):
    """A convolution and a batch norm, which freezing folds, and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 5, 3)
        self.norm = nn.BatchNorm2d(5)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.norm(self.convolution(images))
        return torch.softmax(features.mean((2, 3)), dim=1), features


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    module = Small()
    module(torch.randn(64, 3, 8, 8))  # statistics that a network in training mode would not use
    return module.eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, network: nn.Module) -> Path:
    """The network as TorchScript."""
    return write_traced(network, torch.randn(1, 3, 8, 8), tmp_path_factory.mktemp("exported") / "model.pt")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the network is kept once it has been converted."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def folder(tmp_path: Path, exported: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The network's folder in a model repository."""
    monkeypatch.setenv("EMBEDDED_TRITON_CPU_PRECISION", "float32")
    monkeypatch.setenv("EMBEDDED_TRITON_CACHE_FOLDER", str(cache))
    (tmp_path / "1").mkdir()
    shutil.copy(exported, tmp_path / "1" / "model.pt")
    return tmp_path


def configuration(*, max_batch_size: int = 8, tensor: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """What Triton hands to the backend of a network's configuration."""
    return {
        "name": "small",
        "max_batch_size": max_batch_size,
        "input": [{"name": "INPUT__0", "data_type": "TYPE_FP32", "dims": ["3", "8", "8"]} | (tensor or {})],
        "output": [{"name": "OUTPUT__0"}, {"name": "OUTPUT__1"}],
        "instance_group": [{"count": 1}],
        "parameters": {},
    } | more


def load(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str = "CPU",
    parameters: dict[str, str] | None = None,
    **config: Any,
) -> Any:
    """Return an instance of the backend with the network in ``folder``."""
    model = load_backend("pytorch", monkeypatch).TritonPythonModel()
    values = {key: {"string_value": value} for key, value in (parameters or {}).items()}
    model.initialize(
        {
            "model_config": json.dumps(configuration(parameters=values, **config)),
            "model_repository": str(folder),
            "model_version": "1",
            "model_instance_kind": kind,
            "model_instance_device_id": "0",
        }
    )
    return model


class Request(dict[str, Tensor]):
    """Input tensors by name, the names of the outputs that are asked for, and what was sent after the batch."""

    outputs: tuple[str, ...] = ("OUTPUT__0",)

    def __init__(self, **tensors: Tensor) -> None:
        super().__init__(tensors)
        self.sent: SimpleQueue[InferenceResponse] = SimpleQueue()

    def requested_output_names(self) -> tuple[str, ...]:
        return self.outputs

    def get_response_sender(self) -> "Request":
        return self

    def send(self, response: InferenceResponse, flags: int) -> None:
        assert flags == FINAL
        self.sent.put(response)


def execute(model: Any, requests: list[Request]) -> list[InferenceResponse]:
    """Return the answer to each, those too that come after their batch."""
    responses = model.execute(requests)
    return [
        request.sent.get(timeout=20) if response is None else response
        for request, response in zip(requests, responses, strict=True)
    ]


def requests_of(*sizes: int) -> list[Request]:
    generator = np.random.default_rng(0)
    batches = [generator.standard_normal((size, 3, 8, 8), dtype=np.float32) for size in sizes]
    return [Request(INPUT__0=Tensor("INPUT__0", batch)) for batch in batches]


def values(response: InferenceResponse) -> np.ndarray[Any, Any]:
    assert response.error is None
    (tensor,) = response.output_tensors
    assert tensor.name == "OUTPUT__0"
    return tensor.array()
