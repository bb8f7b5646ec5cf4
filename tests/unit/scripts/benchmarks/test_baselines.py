"""The baselines: each gives the network's own answer, with toy networks in place of the real."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi import FastAPI
from PIL import Image
from torch import nn

from scripts.benchmarks.baselines import eager, openvino, torchscript
from scripts.benchmarks.baselines.pixels import Preprocessing, read_pixels
from scripts.benchmarks.compare.contenders import classify
from scripts.benchmarks.load.drawn import drawn_photos
from tests.support.asgi_server import served
from tests.support.pictures import bottle, encode
from tests.support.torchscript import write_traced
from training.dataset.classes import read_classes
from training.dataset.preprocessing import decode, normalise, resize
from training.dataset.specification import load_specification

PHOTO = encode(bottle(), "JPEG", quality=90)


class Toy(nn.Module):
    """Answers by the mean colour."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = images.mean(dim=(2, 3))
        return torch.softmax(torch.cat([means, -means], dim=1), dim=1)


def expected() -> dict[str, float]:
    specification = load_specification()
    pixels = normalise(resize(decode(PHOTO), specification.size)[None], specification)
    return dict(zip(read_classes(), Toy()(pixels)[0].tolist(), strict=True))


def test_tuned_preprocessing_is_that_of_training_but_for_rounding() -> None:
    specification = load_specification()
    ours = Preprocessing(specification)(PHOTO)
    theirs = normalise(resize(decode(PHOTO), specification.size)[None], specification)
    assert ours.shape == theirs.shape
    assert ours.is_contiguous(memory_format=torch.channels_last)
    assert float((ours - theirs).abs().max()) < 0.05  # two levels of 255


def baseline(name: str, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    def exported(pixels: Any) -> Any:
        return Toy()(normalise(torch.as_tensor(pixels), load_specification())), None

    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    if name == "eager":
        monkeypatch.setattr(eager, "load_released", lambda *_: (Toy(), None))
        return eager.create()
    if name == "torchscript":
        monkeypatch.setattr(torchscript, "load_frozen", lambda *_: exported)
        return torchscript.create()
    monkeypatch.setattr(openvino, "load", lambda *_: exported)
    return openvino.create()


@pytest.mark.parametrize("name", ["eager", "torchscript", "openvino"])
def test_a_baseline_answers_as_the_gateway_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(baseline(name, monkeypatch)) as url:
        answer = classify(url, "raw", PHOTO)
    assert list(answer) == list(read_classes())
    assert answer == pytest.approx(expected(), abs=0.01)
    with Image.open(io.BytesIO(PHOTO)) as image:
        assert image.size == (320, 240)


def test_the_converted_network_answers_as_the_network_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is only in the environment of `make bench`")
    pytest.importorskip("onnx", reason="onnx is only in the environment of `make bench`")
    from scripts.benchmarks.baselines import onnx

    monkeypatch.setattr(onnx, "load_released", lambda _: (Toy(), None))
    monkeypatch.setattr(onnx, "FOLDER", tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    for model_type in ("raw", "pretrained"):
        onnx.convert(model_type, tmp_path / f"{model_type}.onnx", load_specification().size)
    with served(onnx.create()) as url:
        assert classify(url, "raw", PHOTO) == pytest.approx(expected(), abs=0.01)


class Exported(nn.Module):
    """A network as the repository has it: bytes to probabilities and maps; in the precision of its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Conv2d(3, 6, 1)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        maps = self.linear((pixels.float() / 255).type_as(self.linear.weight)).float()
        return torch.softmax(maps.mean(dim=(2, 3)), dim=1), maps


@pytest.fixture
def model_repository(tmp_path: Path) -> Path:
    path = tmp_path / "raw_cnn" / "1" / "model.pt"
    path.parent.mkdir(parents=True)
    write_traced(Exported(), torch.zeros(1, 3, 8, 8, dtype=torch.uint8), path)
    return tmp_path


def test_torchscript_in_bfloat16_answers_nearly_as_in_float32(model_repository: Path) -> None:
    pixels = torch.arange(192, dtype=torch.uint8).reshape(1, 3, 8, 8)
    with torch.inference_mode():
        single, half = (
            torchscript.load_frozen("raw", dtype, model_repository)(pixels)[0]
            for dtype in (torch.float32, torch.bfloat16)
        )
    assert single.dtype == half.dtype == torch.float32
    assert 0 < float((single - half).abs().max()) < 0.01


@pytest.mark.parametrize("options", [{}, openvino.tuned_options()])
def test_openvino_answers_as_the_exported_network(
    model_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(openvino, "MODEL_REPOSITORY", model_repository)
    monkeypatch.setattr(openvino, "FOLDER", tmp_path / "converted")
    pixels = torch.arange(192, dtype=torch.uint8).reshape(1, 3, 8, 8)
    with torch.inference_mode():
        expected = torchscript.load_frozen("raw", torch.float32, model_repository)(pixels)[0]
    found = openvino.load("raw", 8, options)(pixels.numpy())[0]
    assert found == pytest.approx(expected.numpy(), abs=0.01)


def test_large_photos_are_decoded_small() -> None:
    photo = drawn_photos(1, (1600, 1200))[0]
    whole = Image.open(io.BytesIO(photo)).resize((192, 192), Image.Resampling.BILINEAR)
    found = read_pixels(photo, 192)[0].permute(1, 2, 0).numpy().astype(float)
    assert 0 < abs(found - np.asarray(whole, float)).mean() < 0.5
