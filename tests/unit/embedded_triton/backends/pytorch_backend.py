"""Small TorchScript networks behind the Python-based PyTorch backend, and requests to it."""

import json
import warnings
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from embedded_triton.backends.pytorch.cores import Cores, Tensors
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


class Residual(nn.Module):
    """What the networks of this project are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.down = nn.Conv2d(32, 32, 3, stride=2, padding=1)
        self.first, self.second = (nn.Conv2d(32, 32, 3, padding=1) for _ in range(2))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = torch.relu_(self.down(torch.relu(self.stem(images))))
        features = torch.relu(features + self.second(torch.relu(self.first(features))))
        return torch.softmax(features.mean((2, 3)), dim=1), features


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    module = Small()
    module(torch.randn(64, 3, 8, 8))  # statistics that a network in training mode would not use
    return module.eval()


@pytest.fixture
def folder(tmp_path: Path, network: nn.Module) -> Path:
    (tmp_path / "1").mkdir()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        torch.jit.save(torch.jit.trace(network, torch.randn(1, 3, 8, 8)), str(tmp_path / "1" / "model.pt"))
    return tmp_path


def load(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str = "CPU",
    instances: int = 1,
    file: str = "",
    backend: ModuleType | None = None,
    cores: type[Cores] | None = None,
    tensor: dict[str, Any] | None = None,
    **parameters: str,
) -> Any:
    backend = backend or load_backend("pytorch", monkeypatch)
    if cores:
        monkeypatch.setattr(backend, "Cores", cores)
    model = backend.TritonPythonModel()
    config = {
        "max_batch_size": 8,
        "input": [tensor or {"name": "INPUT__0", "data_type": "TYPE_FP32", "dims": ["-1"]}],
        "output": [{"name": "OUTPUT__0"}, {"name": "OUTPUT__1"}],
        "instance_group": [{"count": instances}],
        "default_model_filename": file,
        "parameters": {key: {"string_value": value} for key, value in parameters.items()},
    }
    model.initialize(
        {
            "model_config": json.dumps(config),
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


def batch(*sizes: int) -> list[list[torch.Tensor]]:
    """Requests of so many photos; the photos are numbered."""
    return [[numbers[:, None]] for numbers in torch.arange(sum(sizes)).split(list(sizes))]


def numbers(futures: list[Future[Tensors]]) -> list[list[int]]:
    """The answers, whose rows are what the network made of the photos' numbers."""
    return [future.result(20)[0].flatten().tolist() for future in futures]
