"""The PyTorch backend in lower precision, and what of a GPU can be tested on a CPU."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.embedded_triton.backends.backend_loading import load_backend
from tests.unit.embedded_triton.backends.pytorch_backend import execute, folder, load, network, requests_of, values

__all__ = ["folder", "network"]  # fixtures


def test_a_gpu_instance_without_cuda_in_torch_runs_on_the_cpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # `make run TORCH=cpu` on a machine with a GPU: Triton sees the GPU, this torch can not use it.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = load(folder, monkeypatch, kind="GPU")
    assert values(execute(model, requests_of(2))[0]).shape == (2, 5)


def test_half_precision_takes_and_gives_single_precision(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What an instance on a GPU does, on the CPU.
    backend = load_backend("pytorch", monkeypatch)
    seen: list[torch.Tensor] = []
    freeze = backend._frozen

    def watched(*given: Any) -> Any:
        module = freeze(*given)
        return lambda batch: seen.append(batch) or module(batch)

    model = load(folder, monkeypatch, backend=backend, HALF_ON_GPU="true", DISABLE_OPTIMIZED_EXECUTION="true")
    monkeypatch.setattr(backend, "_frozen", watched)
    model._dtype, model._on_gpu = torch.half, True
    model._cores = None
    model._network = backend._joining(model._load(folder / "1" / "model.pt"))
    requests = requests_of(1, 3)
    for request, response in zip(requests, execute(model, requests), strict=True):
        answer = values(response)
        with torch.inference_mode():
            expected, _ = network(torch.from_numpy(request["INPUT__0"].array()))
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, expected.numpy(), atol=2e-3)
        assert np.abs(answer - expected.numpy()).max() > 0
    assert {batch.dtype for batch in seen} == {torch.half}
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_a_network_that_can_not_be_recorded_runs_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load_backend("pytorch", monkeypatch)

    def failing(*_given: Any) -> None:
        raise backend.RecordingError("a batch of 4: no such thing")

    monkeypatch.setattr(backend, "Graphs", failing)
    logger = sys.modules["triton_python_backend_utils"].Logger
    network = backend._recorded(lambda batch: (batch * 2,), [torch.zeros(4, 1)])
    assert logger.warnings == ["The network runs without CUDA graphs, slower: a batch of 4: no such thing"]
    assert network([torch.ones(1, 1), torch.ones(2, 1)])[0].tolist() == [[2.0], [2.0], [2.0]]


@pytest.mark.parametrize(
    ("most", "tensor", "shape"),
    [
        (4, {"data_type": "TYPE_UINT8", "dims": ["3", "8", "8"]}, (4, 3, 8, 8)),
        (4, {"data_type": "TYPE_FP32", "dims": ["5"]}, (4, 5)),
        (4, {"data_type": "TYPE_UINT8", "dims": ["3", "-1", "-1"]}, None),
        (4, {"data_type": "TYPE_STRING", "dims": ["1"]}, None),
        (0, {"data_type": "TYPE_UINT8", "dims": ["3", "8", "8"]}, None),
    ],
    ids=["pixels", "values", "of any size", "of no number", "without batches"],
)
def test_recorded_are_inputs_of_fixed_size(
    monkeypatch: pytest.MonkeyPatch, most: int, tensor: dict[str, Any], shape: tuple[int, ...] | None
) -> None:
    backend = load_backend("pytorch", monkeypatch)
    config = {"max_batch_size": most, "input": [{"name": "INPUT__0"} | tensor]}
    found = backend._largest_batch(config, torch.device("cpu"), torch.half)
    assert (found and tuple(found[0].shape)) == shape
    if found:
        assert found[0].dtype == (torch.uint8 if tensor["data_type"] == "TYPE_UINT8" else torch.half)


def test_half_precision_is_for_gpus(folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(folder, monkeypatch, HALF_ON_GPU="true")
    (request,) = requests_of(2)
    with torch.inference_mode():
        expected, _ = network(torch.from_numpy(request["INPUT__0"].array()))
    np.testing.assert_allclose(values(execute(model, [request])[0]), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_is_for_processors_that_have_it(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": able})
    model = load(folder, monkeypatch, BFLOAT16_ON_CPU="true")
    (request,) = requests_of(3)
    answer = values(execute(model, [request])[0])
    with torch.inference_mode():
        expected, _ = network(torch.from_numpy(request["INPUT__0"].array()))
    difference = np.abs(answer - expected.numpy()).max()
    assert answer.dtype == np.float32
    assert 1e-5 < difference < 0.02 if able else difference < 1e-5
    assert bool(sys.modules["triton_python_backend_utils"].Logger.warnings) != able
