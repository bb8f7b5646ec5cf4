"""Which convolutions of a network are replaced by compiled ones, and how the backend uses them."""

import ctypes
import importlib.util
import io
import subprocess
import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.embedded_triton.backend_loading import load_backend
from tests.unit.embedded_triton.pytorch_backend import execute, load, requests_of, values

OPERATOR = "bin_it_right::convolution"


class Mixed(nn.Module):
    """Convolutions that are replaced, alone and with what follows them, and such as are not."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.norm = nn.BatchNorm2d(32)
        self.plain = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.alone = nn.Conv2d(32, 48, 3, padding=1)
        self.down = nn.Conv2d(48, 32, 3, stride=2, padding=1)
        self.grouped = nn.Conv2d(32, 32, 3, padding=1, groups=2)
        self.wide = nn.Conv2d(32, 32, 3, padding=2, dilation=2)
        self.last = nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.stem(images))
        features = torch.relu(features + self.norm(self.plain(features)))
        features = self.down(self.alone(features))
        features = self.wide(self.grouped(features))
        kept = features * 1.0
        added = torch.relu_(self.last(features).add_(kept))
        kept += self.last(kept)
        return torch.cat([added, kept, torch.add(self.last(added), kept, alpha=2.0)], 1).mean((2, 3))


def frozen(network: nn.Module, example: torch.Tensor) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        file = io.BytesIO()
        torch.jit.save(torch.jit.trace(network.eval(), example), file)
        file.seek(0)
        return torch.jit.freeze(torch.jit.load(file).eval())


@pytest.mark.parametrize(("wide", "replaced"), [(True, 5), (False, 6)])
def test_convolutions_are_replaced_with_what_follows_them(
    replacement: ModuleType, compile_c: Any, monkeypatch: pytest.MonkeyPatch, wide: bool, replaced: int
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": wide})
    torch.manual_seed(1)
    network, images = Mixed(), torch.randn(3, 3, 10, 14)
    network(torch.randn(8, 3, 10, 14))  # statistics for the norm
    module = frozen(network, images[:1])
    assert replacement.replace_convolutions(module, compile_c) == replaced
    kinds = [node.kind() for node in module.graph.nodes()]
    assert kinds.count(OPERATOR) == replaced
    assert kinds.count("aten::_convolution") == 9 - replaced
    with torch.inference_mode():
        for batch in (images, images[:1]):
            torch.testing.assert_close(module(batch), network(batch), rtol=1e-4, atol=1e-4)


def test_convolutions_with_large_weights_are_replaced_too(replacement: ModuleType, compile_c: Any) -> None:
    torch.manual_seed(1)
    network, images = nn.Conv2d(384, 320, 3, padding=1), torch.randn(2, 384, 7, 6)
    module = frozen(network, images[:1])
    assert replacement.replace_convolutions(module, compile_c) == 1
    assert [node.kind() for node in module.graph.nodes()].count(OPERATOR) == 1
    with torch.inference_mode():
        torch.testing.assert_close(module(images), network(images), rtol=1e-4, atol=1e-4)


def test_a_network_without_such_convolutions_needs_no_compiler(replacement: ModuleType) -> None:
    module = frozen(nn.Conv2d(3, 8, 3, padding=1), torch.randn(1, 3, 8, 8))
    assert replacement.replace_convolutions(module, lambda *_: pytest.fail("compiled")) == 0


class Changing(nn.Module):
    """What is convolved changes before it is added."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        kept = images * 2
        result = self.last(kept)
        kept[:, :16] = 0
        return torch.relu(result + kept)


class Adding(nn.Module):
    """Sums that are none of two tensors to a new one, or not of floats."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        counted = torch.relu(self.last(images) + (images > 0).to(torch.uint8))
        return counted + torch.add(self.last(counted), 3)


@pytest.mark.parametrize("network", [Changing, Adding])
def test_sums_of_all_kinds_stay_what_they_are(
    replacement: ModuleType, compile_c: Any, network: type[nn.Module]
) -> None:
    torch.manual_seed(1)
    given, images = network(), torch.randn(2, 32, 6, 7)
    module = frozen(given, images)
    replacement.replace_convolutions(module, compile_c)
    with torch.inference_mode():
        torch.testing.assert_close(module(images), given(images), rtol=1e-4, atol=1e-4)


class Moving(nn.Module):
    """A convolution whose border is known when it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(32, 32, 3, 3) / 17), nn.Parameter(torch.randn(32))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        edge = images.size(2) // 8
        return torch._convolution(
            *(images, self.weight, self.bias, [1, 1], [edge, edge], [1, 1], False, [0, 0], 1),
            *(False, False, True, True),
        )


def test_a_convolution_that_is_not_known_beforehand_is_left(replacement: ModuleType) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        module = torch.jit.freeze(torch.jit.script(Moving().eval()))
    assert replacement.replace_convolutions(module, lambda *_: pytest.fail("compiled")) == 0


def test_the_fused_graph_lays_images_out_as_the_kernels_take_them(replacement: ModuleType, compile_c: Any) -> None:
    network, images = Residual().to(memory_format=torch.channels_last), torch.randn(2, 3, 12, 12)
    fused = torch.jit.onednn_fusion_enabled()
    torch.jit.enable_onednn_fusion(True)
    try:
        module = frozen(network, images)
        replaced = replacement.replace_convolutions(module, compile_c)
        with torch.inference_mode():
            for _ in range(4):
                module(images)
            with torch.profiler.profile() as profile:
                module(images)
    finally:
        torch.jit.enable_onednn_fusion(fused)
    ran = [event.name for event in profile.events()]
    assert [name for name in ran if name.startswith("LlgaPartition")]
    assert ran.count(OPERATOR) == replaced
    assert "aten::clone" not in ran


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "1").mkdir()
    torch.manual_seed(2)
    network = Residual().eval()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        torch.jit.save(torch.jit.trace(network, torch.randn(1, 3, 8, 8)), str(tmp_path / "1" / "model.pt"))
    return tmp_path


INPUT = {"name": "INPUT__0", "data_type": "TYPE_FP32", "dims": ["3", "8", "8"]}


def answers(folder: Path, model: Any) -> None:
    """The model answers as PyTorch does."""
    torch.manual_seed(2)
    network = Residual().eval()
    requests = requests_of(1, 2)
    for request, response in zip(requests, execute(model, requests), strict=True):
        with torch.inference_mode():
            expected, _ = network(torch.from_numpy(request["INPUT__0"].array()))
        np.testing.assert_allclose(values(response), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("tensor", "parameters", "used"),
    [
        (INPUT, {}, True),
        (INPUT, {"DISABLE_OPTIMIZED_EXECUTION": "true"}, False),
        ({**INPUT, "dims": ["3", "-1", "-1"]}, {}, False),
    ],
)
def test_the_backend_uses_it_where_it_may(
    methods: ModuleType,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tensor: dict[str, Any],
    parameters: dict[str, str],
    used: bool,
) -> None:
    replaced: list[int] = []
    backend = load_backend("pytorch", monkeypatch)
    replace = backend.replace_convolutions
    monkeypatch.setattr(backend, "replace_convolutions", lambda *given: replaced.append(replace(*given)))
    model = load(folder, monkeypatch, backend=backend, tensor=tensor, **parameters)
    assert all(count >= 2 for count in replaced)
    assert bool(replaced) == used
    assert not backend.pb_utils.Logger.warnings
    answers(folder, model)


def without_ziglang(monkeypatch: pytest.MonkeyPatch, _: ModuleType) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ziglang" else find(name))


def on_an_old_processor(monkeypatch: pytest.MonkeyPatch, methods: ModuleType) -> None:
    compiled = methods.compiled_methods
    monkeypatch.setattr(methods, "compiled_methods", lambda compile_c: compiled(compile_c, "x86_64"))


def with_a_broken_compiler(monkeypatch: pytest.MonkeyPatch, _: ModuleType) -> None:
    def fail(command: list[str], **_options: Any) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="error: no space left")

    monkeypatch.setattr(subprocess, "run", fail)


def with_a_library_that_does_not_load(monkeypatch: pytest.MonkeyPatch, _: ModuleType) -> None:
    def fail(_path: str) -> None:
        raise OSError("failed to map segment from shared object")

    monkeypatch.setattr(ctypes, "CDLL", fail)


def with_a_full_disk(monkeypatch: pytest.MonkeyPatch, _: ModuleType) -> None:
    def fail(*_given: object, **_options: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", fail)


@pytest.mark.parametrize(
    ("obstacle", "message"),
    [
        (without_ziglang, "the package ziglang is not installed"),
        (on_an_old_processor, "neither AVX-512 nor AVX2"),
        (with_a_broken_compiler, "the compiler failed: error: no space left"),
        (with_a_library_that_does_not_load, "failed to map segment"),
        (with_a_full_disk, "No space left on device"),
    ],
)
def test_where_it_can_not_be_the_backend_says_so_and_answers(
    methods: ModuleType,
    replacement: ModuleType,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    obstacle: Any,
    message: str,
) -> None:
    obstacle(monkeypatch, methods)
    monkeypatch.setattr(replacement, "methods", methods.methods.__wrapped__)  # what was compiled before is forgotten
    backend = load_backend("pytorch", monkeypatch)
    model = load(folder, monkeypatch, backend=backend, tensor=INPUT)
    (warning,) = backend.pb_utils.Logger.warnings
    assert warning.startswith("The network runs with PyTorch's convolutions, slower: ")
    assert message in warning
    answers(folder, model)


def test_kernels_that_compute_something_else_are_not_used(
    methods: ModuleType, compile_c: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = load_backend("pytorch", monkeypatch)
    monkeypatch.setattr(methods.methods(compile_c), "_chosen", {})  # by other tests too
    convolve = methods.Convolution.convolve
    monkeypatch.setattr(methods.Convolution, "convolve", lambda *given: convolve(*given) * 1.1)
    model = load(folder, monkeypatch, backend=backend, tensor=INPUT)
    assert backend.pb_utils.Logger.warnings == [
        "The network answers otherwise with compiled convolutions: it runs with PyTorch's."
    ]
    answers(folder, model)
