"""The Python-based PyTorch backend on real TorchScript."""

import json
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from embedded_triton.backends.pytorch.cores import Cores, Network, Tensors
from tests.unit.embedded_triton.backend_loading import InferenceResponse, Tensor, TritonModelException, load_backend


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
    **parameters: str,
) -> Any:
    backend = backend or load_backend("pytorch", monkeypatch)
    if cores:
        monkeypatch.setattr(backend, "Cores", cores)
    model = backend.TritonPythonModel()
    config = {
        "input": [{"name": "INPUT__0"}],
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
    """Input tensors by name, and the names of the outputs that are asked for."""

    outputs: tuple[str, ...] = ("OUTPUT__0",)

    def requested_output_names(self) -> tuple[str, ...]:
        return self.outputs


def requests_of(*sizes: int) -> list[Request]:
    generator = np.random.default_rng(0)
    batches = [generator.standard_normal((size, 3, 8, 8), dtype=np.float32) for size in sizes]
    return [Request(INPUT__0=Tensor("INPUT__0", batch)) for batch in batches]


def values(response: InferenceResponse) -> np.ndarray[Any, Any]:
    assert response.error is None
    (tensor,) = response.output_tensors
    assert tensor.name == "OUTPUT__0"
    return tensor.array()


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
    for request, response in zip(requests, model.execute(requests), strict=True):
        with torch.inference_mode():
            expected, _ = network(torch.from_numpy(request["INPUT__0"].array()))
        np.testing.assert_allclose(values(response), expected.numpy(), atol=1e-5)


def test_each_request_gets_the_outputs_that_it_asks_for(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_of(2, 1, 1)
    requests[0].outputs, requests[2].outputs = ("OUTPUT__0", "OUTPUT__1"), ("OUTPUT__1",)
    both, first, second = load(folder, monkeypatch).execute(requests)
    assert [[tensor.name for tensor in response.output_tensors] for response in (both, first, second)] == [
        ["OUTPUT__0", "OUTPUT__1"],
        ["OUTPUT__0"],
        ["OUTPUT__1"],
    ]
    with torch.inference_mode():
        _, expected = network(torch.from_numpy(requests[0]["INPUT__0"].array()))
    np.testing.assert_allclose(both.output_tensors[1].array(), expected.numpy(), atol=1e-5)


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


class Spy(Cores):
    """Cores that write down how many photos each call of the network has, and on how many threads."""

    calls: ClassVar[list[tuple[int, int]]] = []

    def __init__(self, load: Callable[[], Network], *, alone: int, together: int) -> None:
        def load_and_watch() -> Network:
            network = load()

            def watched(batch: torch.Tensor) -> Tensors:
                self.calls.append((len(batch), torch.get_num_threads()))
                return network(batch)

            return watched

        super().__init__(load_and_watch, alone=alone, together=together)


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(
    ("threads", "instances", "at_a_time"), [(None, 1, 4), (None, 2, 2), (None, 3, 1), ("1", 1, 1), ("2", 3, 2)]
)
def test_each_photo_of_a_batch_has_a_core_and_one_that_came_alone_has_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, threads: str | None, instances: int, at_a_time: int
) -> None:
    given = {} if threads is None else {"INTRA_OP_THREAD_COUNT": threads}
    monkeypatch.setattr(Spy, "calls", [])
    model = load(folder, monkeypatch, instances=instances, cores=Spy, **given)
    model.execute(requests_of(1, 1, 4))
    assert Spy.calls == [(1, 1)] * 6
    model.execute(requests_of(1))
    assert Spy.calls[6:] == [(1, int(threads or 4))]
    assert model._network._pool._max_workers == at_a_time


def test_a_core_that_is_done_takes_the_next_photo() -> None:
    first_is_held, others_are_done = threading.Event(), threading.Event()

    def network(photo: torch.Tensor) -> Tensors:
        if photo.item() == 0:
            first_is_held.set()
            assert others_are_done.wait(20), "the photos behind the slow one wait for it"
        else:
            assert first_is_held.wait(20)
        if photo.item() == 5:
            others_are_done.set()
        return (photo * 2,)

    (answer,) = Cores(lambda: network, alone=2, together=2)([torch.arange(6)[:, None]])
    assert answer.flatten().tolist() == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("parameters", [{}, {"DISABLE_OPTIMIZED_EXECUTION": "true"}])
def test_the_graph_is_fused_unless_the_configuration_says_no(
    folder: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str]
) -> None:
    monkeypatch.setattr(Spy, "calls", [])
    backend = load_backend("pytorch", monkeypatch)
    frozen = []
    freeze = backend._frozen
    monkeypatch.setattr(backend, "_frozen", lambda *given: frozen.append(freeze(*given)) or frozen[-1])
    model = load(folder, monkeypatch, backend=backend, **parameters)
    (request,) = requests_of(1)
    for _ in range(3):
        model.execute([request])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = str(frozen[0].graph_for(torch.from_numpy(request["INPUT__0"].array())))
    assert ("oneDNNFusionGroup" in graph) == (not parameters)


def test_the_number_of_threads_is_the_configured_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: dict[str, int] = {}
    monkeypatch.setattr(torch, "set_num_threads", lambda count: chosen.update(intra=count))
    monkeypatch.setattr(torch, "set_num_interop_threads", lambda count: chosen.update(inter=count))
    load(folder, monkeypatch, INTRA_OP_THREAD_COUNT="3", INTER_OP_THREAD_COUNT="2")
    assert chosen == {"intra": 3, "inter": 2}


def test_a_gpu_instance_without_cuda_in_torch_runs_on_the_cpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # `make run TORCH=cpu` on a machine with a GPU: Triton sees the GPU, this torch can not use it.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = load(folder, monkeypatch, kind="GPU")
    assert values(model.execute(requests_of(2))[0]).shape == (2, 5)


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
    model._network = backend._joining(model._load(folder / "1" / "model.pt"))
    requests = requests_of(1, 3)
    for request, response in zip(requests, model.execute(requests), strict=True):
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
    np.testing.assert_allclose(values(model.execute([request])[0]), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_is_for_processors_that_have_it(
    folder: Path, network: nn.Module, monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": able})
    model = load(folder, monkeypatch, BFLOAT16_ON_CPU="true")
    (request,) = requests_of(3)
    answer = values(model.execute([request])[0])
    with torch.inference_mode():
        expected, _ = network(torch.from_numpy(request["INPUT__0"].array()))
    difference = np.abs(answer - expected.numpy()).max()
    assert answer.dtype == np.float32
    assert 1e-5 < difference < 0.02 if able else difference < 1e-5
    assert bool(sys.modules["triton_python_backend_utils"].Logger.warnings) != able


def test_the_configuration_may_name_another_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "1" / "model.pt").rename(folder / "1" / "model.int8.pt")
    with pytest.raises(TritonModelException, match=r"1/model\.pt is missing"):
        load(folder, monkeypatch)
    model = load(folder, monkeypatch, file="model.int8.pt")
    (request,) = requests_of(2)
    assert values(model.execute([request])[0]).shape == (2, 5)


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TritonModelException, match=r"1/model\.pt is missing"):
        load(tmp_path, monkeypatch)
