"""The peers that are measured against: each gives the network's own answer, with toy networks in place of the real."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi import FastAPI
from PIL import Image
from torch import nn

from scripts.bench.cpu.contenders import classify
from scripts.bench.peers import ancestor, tuned
from scripts.bench.peers.pixels import Preprocessing
from tests.support.asgi_server import served
from tests.support.pictures import bottle, encode
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


def peer(name: str, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    def network(*_: Any) -> Any:
        if name == "ancestor":
            return Toy(), None
        return lambda pixels: (Toy()(normalise(pixels, load_specification())), None)  # as the exported ones do

    if name == "ancestor":
        monkeypatch.setattr(ancestor, "load_calibrated_network", network)
        return ancestor.create()
    monkeypatch.setattr(tuned, "load_frozen", network)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    return tuned.create()


@pytest.mark.parametrize("name", ["ancestor", "tuned"])
def test_a_peer_answers_as_the_gateway_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(peer(name, monkeypatch)) as url:
        answer = classify(url, "raw", PHOTO)
    assert list(answer) == list(read_classes())
    assert answer == pytest.approx(expected(), abs=0.01)
    with Image.open(io.BytesIO(PHOTO)) as image:
        assert image.size == (320, 240)


def test_the_converted_network_answers_as_the_network_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is only in the environment of `make bench`")
    pytest.importorskip("onnx", reason="onnx is only in the environment of `make bench`")
    from scripts.bench.peers import onnx

    monkeypatch.setattr(onnx, "load_calibrated_network", lambda _: (Toy(), None))
    monkeypatch.setattr(onnx, "FOLDER", tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    for model_type in ("raw", "pretrained"):
        onnx.convert(model_type, tmp_path / f"{model_type}.onnx", load_specification().size)
    with served(onnx.create()) as url:
        assert classify(url, "raw", PHOTO) == pytest.approx(expected(), abs=0.01)
