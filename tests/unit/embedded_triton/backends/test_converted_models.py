"""Networks as OpenVINO takes them, kept by the digest of their file."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch
from torch import nn

from embedded_triton.backends.pytorch import conversion, converted_models
from embedded_triton.backends.pytorch.conversion import InputSpecification
from embedded_triton.backends.pytorch.converted_models import ConvertedModels
from tests.support.torchscript import write_traced
from tests.unit.embedded_triton.backends.pytorch_backend import exported, network, requests_of

__all__ = ["exported", "network"]  # fixtures
INPUTS = [InputSpecification("FP32", (3, 8, 8))]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, exported: Path) -> Path:
    """A folder with the converted network."""
    folder = tmp_path_factory.mktemp("kept")
    ConvertedModels(folder, pytest.fail).load(exported, INPUTS)
    return folder


@pytest.fixture
def folder(tmp_path: Path, kept: Path) -> Path:
    """A folder of the test's own with the converted network."""
    return Path(shutil.copytree(kept, tmp_path / "cache"))


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The destinations of conversions, which happen in this process to save time."""
    destinations: list[Path] = []

    def convert(module: Path, destination: Path, inputs: Any) -> None:
        destinations.append(destination)
        ov.save_model(conversion.convert(module, inputs), destination, compress_to_fp16=False)

    monkeypatch.setattr(converted_models, "_convert_elsewhere", convert)
    return destinations


def is_right(model: Any, network: nn.Module) -> None:
    """The model answers as PyTorch does."""
    (request,) = requests_of(1)
    pixels = request["INPUT__0"].array()
    found = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([pixels])
    with torch.inference_mode():
        for output, expected in zip(found.values(), network(torch.from_numpy(pixels)), strict=True):
            np.testing.assert_allclose(output, expected.numpy(), atol=1e-5)


def test_a_kept_model_is_not_converted_again(
    exported: Path, network: nn.Module, folder: Path, conversions: list[Path]
) -> None:
    is_right(ConvertedModels(folder, pytest.fail).load(exported, INPUTS), network)
    assert not conversions


def test_other_contents_and_other_inputs_are_other_models(
    tmp_path: Path, exported: Path, folder: Path, conversions: list[Path]
) -> None:
    models = ConvertedModels(folder, pytest.fail)
    model = models.load(exported, [InputSpecification("FP32", (3, 16, 16))])
    assert model.inputs[0].shape == [1, 3, 16, 16]
    torch.manual_seed(9)
    other = write_traced(nn.Linear(2, 2), torch.zeros(1, 2), tmp_path / "model.pt")
    models.load(other, [InputSpecification("FP32", (2,))])
    assert len(conversions) == 2
    assert len([*folder.iterdir()]) == 3


def truncate(entry: Path) -> None:
    with (entry / "model.bin").open("r+b") as file:
        file.truncate(10)


def flip(entry: Path) -> None:
    content = bytearray((entry / "model.bin").read_bytes())
    content[5] ^= 1
    (entry / "model.bin").write_bytes(content)


def without_digest(entry: Path) -> None:
    (entry / "sha256").unlink()


def not_even_text(entry: Path) -> None:
    (entry / "sha256").write_bytes(b"\xff\xfe")


def without_weights(entry: Path) -> None:
    (entry / "model.bin").unlink()


@pytest.mark.parametrize("damage", [truncate, flip, without_digest, not_even_text, without_weights])
def test_a_damaged_model_is_converted_again(
    exported: Path, network: nn.Module, folder: Path, conversions: list[Path], damage: Callable[[Path], None]
) -> None:
    (entry,) = folder.iterdir()
    damage(entry)
    said: list[str] = []
    is_right(ConvertedModels(folder, said.append).load(exported, INPUTS), network)
    assert len(conversions) == 1
    is_right(ConvertedModels(folder, pytest.fail).load(exported, INPUTS), network)
    assert len(conversions) == 1
    assert [*folder.iterdir()] == [entry]


def test_an_image_brings_the_models_of_its_repository_along(
    exported: Path, network: nn.Module, tmp_path: Path, conversions: list[Path]
) -> None:
    (tmp_path / "models" / "small" / "1").mkdir(parents=True)
    shutil.copy(exported, tmp_path / "models" / "small" / "1" / "model.pt")
    config = 'name: "small" backend: "pytorch" input [ { name: "I" data_type: TYPE_FP32 dims: [ 3, 8, 8 ] } ]'
    (tmp_path / "models" / "small" / "config.pbtxt").write_text(config)
    converted_models.convert_repository(tmp_path / "models", tmp_path / "kept")
    assert len(conversions) == 1
    # As in the image: nobody may write there.
    (tmp_path / "kept").chmod(0o555)
    is_right(ConvertedModels(tmp_path / "kept", pytest.fail).load(exported, INPUTS), network)
    assert len(conversions) == 1


def test_without_a_folder_nothing_is_kept(
    exported: Path, network: nn.Module, conversions: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    is_right(ConvertedModels(None, pytest.fail).load(exported, INPUTS), network)
    assert len(conversions) == 1
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_cannot_be_made_only_costs_time(
    exported: Path, network: nn.Module, conversions: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said: list[str] = []
    is_right(ConvertedModels(tmp_path / "file" / "cache", said.append).load(exported, INPUTS), network)
    assert len(conversions) == 1
    assert "Converted models are not kept" in said[0]


def test_a_folder_that_others_may_write_to_is_not_trusted(
    exported: Path, network: nn.Module, folder: Path, conversions: list[Path]
) -> None:
    folder.chmod(0o777)
    said: list[str] = []
    is_right(ConvertedModels(folder, said.append).load(exported, INPUTS), network)
    assert said == [f"Converted models are not kept: others may write to {folder}"]
    assert not {destination for destination in conversions if folder in destination.parents}


def test_a_full_disk_only_costs_memory(
    exported: Path, network: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_module: Path, destination: Path, _inputs: Any) -> None:
        raise OSError(28, "No space left on device", str(destination))

    monkeypatch.setattr(converted_models, "_convert_elsewhere", full)
    said: list[str] = []
    is_right(ConvertedModels(tmp_path / "cache", said.append).load(exported, INPUTS), network)
    assert len(said) == 3
    assert "No space left on device" in said[0]
    assert "holds PyTorch" in said[2]
    assert not [*(tmp_path / "cache").iterdir()]


def test_old_models_and_abandoned_conversions_go(exported: Path, tmp_path: Path, conversions: list[Path]) -> None:
    folder = tmp_path / "cache"
    for age in range(12):
        (folder / f"old{age}").mkdir(parents=True)
        os.utime(folder / f"old{age}", (1000 - age, 1000 - age))
    for name, when in ((".converting-killed", 1000), (".converting-now", None)):
        (folder / name).mkdir()
        if when:
            os.utime(folder / name, (when, when))
    folder.chmod(0o700)
    ConvertedModels(folder, pytest.fail).load(exported, INPUTS)
    names = {path.name for path in folder.iterdir()}
    assert names >= {".converting-now", *(f"old{age}" for age in range(7))}
    assert len(names) == 9


def test_converting_reports_to_nobody(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import openvino_telemetry

    sent: list[Any] = []
    monkeypatch.setattr(openvino_telemetry.main.TelemetrySender, "send", lambda *given: sent.append(given))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: sent.append(given))
    monkeypatch.delenv("CI", raising=False)
    openvino_telemetry.Telemetry._SingletonMetaClass__single_instance = None
    conversion.convert(exported, INPUTS)
    assert not sent
    assert "CI" not in os.environ
