"""The PyTorch backend with compiled convolutions: where it uses them, and what it does where they can not be had."""

import ctypes
import importlib.util
import subprocess
import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.embedded_triton.backends.backend_loading import load_backend
from tests.unit.embedded_triton.backends.pytorch_backend import Residual, execute, load, requests_of, values


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
