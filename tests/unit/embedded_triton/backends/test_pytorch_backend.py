"""The Python-based PyTorch backend on real TorchScript."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.embedded_triton.backends.backend_loading import TritonModelException
from tests.unit.embedded_triton.backends.pytorch_backend import execute, folder, load, network, requests_of, values

__all__ = ["folder", "network"]  # fixtures


@pytest.mark.parametrize(
    "parameters",
    [{}, {"DISABLE_OPTIMIZED_EXECUTION": "true"}, {"INFERENCE_MODE": "false"}, {"INTRA_OP_THREAD_COUNT": "1"}],
    ids=lambda parameters: "".join(parameters) or "defaults",
)
def test_each_request_gets_its_own_rows(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str]
) -> None:
    model = load(folder, monkeypatch, **parameters)
    requests = requests_of(1, 3, 2)
    for request, response in zip(requests, execute(model, requests), strict=True):
        with torch.inference_mode():
            expected, _ = network(torch.from_numpy(request["INPUT__0"].array()))
        np.testing.assert_allclose(values(response), expected.numpy(), atol=1e-5)


def test_each_request_gets_the_outputs_that_it_asks_for(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_of(2, 1, 1)
    requests[0].outputs, requests[2].outputs = ("OUTPUT__0", "OUTPUT__1"), ("OUTPUT__1",)
    both, first, second = execute(load(folder, monkeypatch), requests)
    assert [[tensor.name for tensor in response.output_tensors] for response in (both, first, second)] == [
        ["OUTPUT__0", "OUTPUT__1"],
        ["OUTPUT__0"],
        ["OUTPUT__1"],
    ]
    with torch.inference_mode():
        _, expected = network(torch.from_numpy(requests[0]["INPUT__0"].array()))
    np.testing.assert_allclose(both.output_tensors[1].array(), expected.numpy(), atol=1e-5)


def test_the_configuration_may_name_another_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "1" / "model.pt").rename(folder / "1" / "model.int8.pt")
    with pytest.raises(TritonModelException, match=r"1/model\.pt is missing"):
        load(folder, monkeypatch)
    model = load(folder, monkeypatch, file="model.int8.pt")
    (request,) = requests_of(2)
    assert values(execute(model, [request])[0]).shape == (2, 5)


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TritonModelException, match=r"1/model\.pt is missing"):
        load(tmp_path, monkeypatch)
