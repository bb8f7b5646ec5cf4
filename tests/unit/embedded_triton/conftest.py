"""What several tests of the embedded server need."""

import importlib
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

COMMITTED = Path(__file__).resolve().parents[3] / "model_repository"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The committed repository with something in place of the exports; nothing here loads them."""
    copy = tmp_path / "model_repository"
    shutil.copytree(COMMITTED, copy, ignore=shutil.ignore_patterns("model*.pt"))
    for network in ("raw_cnn", "resnet50"):
        (copy / network / "1" / "model.pt").touch()
    return copy


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as the backend has it, with the modules beside it, and a processor that they are made for."""
    able = torch.cpu.get_capabilities()
    if not (able.get("avx2") and able.get("fma3")):
        pytest.skip("this processor has no AVX2")
    return importlib.import_module("embedded_triton.backends.pytorch.methods")


@pytest.fixture
def replacement(methods: ModuleType) -> ModuleType:
    """The module as the backend has it."""
    return importlib.import_module("embedded_triton.backends.pytorch.replacement")


@pytest.fixture
def compile_c(methods: ModuleType) -> Any:
    """The compiler as the backend has it."""
    return importlib.import_module("embedded_triton.backends.compiler").compile_c
