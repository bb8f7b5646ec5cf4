"""What of a network on a GPU can be tested on a CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from embedded_triton.backends.pytorch import gpu_network
from embedded_triton.backends.pytorch.gpu_network import GpuNetwork
from embedded_triton.backends.pytorch.graphs import RecordingError
from tests.unit.embedded_triton.backends.pytorch_backend import configuration, exported, network, requests_of

__all__ = ["exported", "network"]  # fixtures
CPU = torch.device("cpu")


def test_half_precision_takes_and_gives_single_precision(
    exported: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    freeze = gpu_network._frozen

    def watched(*given: Any) -> Any:
        module = freeze(*given)

        def called(batch: torch.Tensor) -> Any:
            seen.append(batch)
            return module(batch)

        return called

    monkeypatch.setattr(gpu_network, "_frozen", watched)
    config = configuration(tensor={"dims": ["-1"]})
    computed = GpuNetwork(exported, config, device=CPU, half=True, warn=pytest.fail)
    requests = requests_of(1, 3)
    answers = computed([[request["INPUT__0"]] for request in requests], [1, 0])
    for request, (features, probabilities) in zip(requests, answers, strict=True):
        with torch.inference_mode():
            expected = network(torch.from_numpy(request["INPUT__0"].array()))
        assert probabilities.dtype == features.dtype == torch.float
        np.testing.assert_allclose(probabilities, expected[0].numpy(), atol=2e-3)
        np.testing.assert_allclose(features, expected[1].numpy(), atol=2e-2)
        assert np.abs(probabilities.numpy() - expected[0].numpy()).max() > 0
    assert {batch.dtype for batch in seen} == {torch.half}
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_a_network_that_cannot_be_recorded_runs_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_given: Any) -> None:
        raise RecordingError("a batch of 4: no such thing")

    monkeypatch.setattr(gpu_network, "Graphs", failing)
    warnings: list[str] = []
    recorded = gpu_network._recorded(lambda batch: (batch * 2,), [torch.zeros(4, 1)], warnings.append)
    assert warnings == ["The network runs without CUDA graphs, slower: a batch of 4: no such thing"]
    assert recorded([torch.ones(1, 1), torch.ones(2, 1)])[0].tolist() == [[2.0], [2.0], [2.0]]


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
def test_recorded_are_inputs_of_fixed_size(most: int, tensor: dict[str, Any], shape: tuple[int, ...] | None) -> None:
    found = gpu_network._largest_batch(configuration(max_batch_size=most, tensor=tensor), CPU, torch.half)
    assert (found and tuple(found[0].shape)) == shape
    if found:
        assert found[0].dtype == (torch.uint8 if tensor["data_type"] == "TYPE_UINT8" else torch.half)
