"""The Python-based PyTorch backend on a CPU: real TorchScript, computed by OpenVINO, against PyTorch's own answers."""

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.embedded_triton.backends.backend_loading import TritonModelException
from tests.unit.embedded_triton.backends.pytorch_backend import (
    Request,
    cache,
    execute,
    exported,
    folder,
    load,
    network,
    requests_of,
    values,
)

__all__ = ["cache", "exported", "folder", "network"]  # fixtures


def outputs_of(network: nn.Module, request: Request) -> list[np.ndarray[Any, Any]]:
    """What PyTorch answers."""
    with torch.inference_mode():
        return [output.numpy() for output in network(torch.from_numpy(request["INPUT__0"].array()))]


@pytest.mark.parametrize("sizes", [(1,), (2,), (1, 1), (1, 3, 2), (8, 8, 8, 8)], ids=str)
def test_each_request_gets_its_own_rows(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    model = load(folder, monkeypatch)
    requests = requests_of(*sizes)
    for request, response in zip(requests, execute(model, requests), strict=True):
        np.testing.assert_allclose(values(response), outputs_of(network, request)[0], atol=1e-5)


def test_batches_that_come_while_others_are_computed_keep_their_rows(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(folder, monkeypatch)
    requests = requests_of(*[1, 2, 5] * 20)
    for begin in range(0, len(requests), 3):
        assert model.execute(requests[begin : begin + 3]) == [None] * 3
    for request in requests:
        np.testing.assert_allclose(values(request.sent.get(timeout=20)), outputs_of(network, request)[0], atol=1e-5)
    model.finalize()
    assert model._network.is_idle


def test_a_photo_that_comes_alone_is_answered_at_once_and_by_all_cores(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(folder, monkeypatch, parameters={"INTRA_OP_THREAD_COUNT": "2"})
    assert model._network._alone.get_compiled_model().get_property("NUM_STREAMS") == 1
    assert model._network._alone.get_compiled_model().get_property("INFERENCE_NUM_THREADS") == 2
    (request,) = requests_of(1)
    (response,) = model.execute([request])
    assert values(response).shape == (1, 5)


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
    np.testing.assert_allclose(both.output_tensors[1].array(), outputs_of(network, requests[0])[1], atol=1e-5)


def test_a_failed_inference_fails_what_is_pending_and_the_next_is_right(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(folder, monkeypatch)
    queue, broken = model._network._queue, threading.Event()

    class Failing:
        """The first request's job never ends; the second says that a job has failed, as OpenVINO's queue does."""

        def start_async(self, *_given: Any) -> None:
            if broken.is_set():
                raise RuntimeError("out of memory")
            broken.set()

    model._network._queue = Failing()
    requests = requests_of(1, 1)
    responses = execute(model, requests)
    assert [str(response.error) for response in responses] == ["RuntimeError: out of memory"] * 2
    assert model._network._queue is not queue
    (request,) = requests_of(2)
    np.testing.assert_allclose(values(execute(model, [request])[0]), outputs_of(network, request)[0], atol=1e-5)


def test_a_response_that_cannot_be_sent_is_logged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(folder, monkeypatch)
    request, other = requests_of(1, 1)
    monkeypatch.setattr(request, "send", lambda *_, **__: 1 / 0)
    assert values(execute(model, [other, request][:1])[0]).shape == (1, 5)
    model.execute([request, other])
    assert values(other.sent.get(timeout=20)).shape == (1, 5)
    model.finalize()
    assert sys.modules["triton_python_backend_utils"].Logger.errors == [
        "A response could not be sent: ZeroDivisionError: division by zero"
    ]


def test_the_configuration_may_name_another_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "1" / "model.pt").rename(folder / "1" / "other.pt")
    with pytest.raises(TritonModelException, match=r"1/model\.pt is missing"):
        load(folder, monkeypatch)
    model = load(folder, monkeypatch, default_model_filename="other.pt")
    (request,) = requests_of(2)
    assert values(execute(model, [request])[0]).shape == (2, 5)


@pytest.mark.parametrize(
    "config",
    [{"tensor": {"dims": ["3", "-1", "-1"]}}, {"tensor": {"data_type": "TYPE_STRING"}}, {"max_batch_size": 0}],
    ids=["of any size", "of no number", "without batches"],
)
def test_what_a_cpu_cannot_do_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]) -> None:
    with pytest.raises(TritonModelException, match="small: on a CPU max_batch_size must be at least 1 and each input"):
        load(folder, monkeypatch, **config)


def test_a_file_that_is_no_module_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "1" / "model.pt").write_bytes(b"no module")
    with pytest.raises(TritonModelException, match=r"1/model\.pt cannot be converted"):
        load(folder, monkeypatch)


def test_a_gpu_instance_without_cuda_in_torch_runs_on_the_cpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # `make run TORCH=cpu` on a machine with a GPU: Triton sees the GPU, this torch cannot use it.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = load(folder, monkeypatch, kind="GPU")
    assert values(execute(model, requests_of(2))[0]).shape == (2, 5)


@pytest.mark.parametrize(
    ("setting", "parameter", "wanted"),
    [
        ("auto", None, "auto"),
        ("auto", "float32", "float32"),
        ("bfloat16", "float32", "bfloat16"),
        ("float32", None, "float32"),
    ],
)
def test_the_precision_is_the_setting_s_then_the_model_s(
    folder: Path,
    network: nn.Module,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    parameter: str | None,
    wanted: str,
) -> None:
    from embedded_triton.install.cpu import choose_precision

    monkeypatch.setenv("EMBEDDED_TRITON_CPU_PRECISION", setting)
    model = load(folder, monkeypatch, parameters={"CPU_PRECISION": parameter} if parameter else {})
    precision, reason = choose_precision(wanted)
    assert sys.modules["triton_python_backend_utils"].Logger.infos == [f"small computes in {precision}: {reason}"]
    (request,) = requests_of(3)
    difference = np.abs(values(execute(model, [request])[0]) - outputs_of(network, request)[0]).max()
    assert difference < 1e-5 if precision == "float32" else 1e-5 < difference < 0.02
