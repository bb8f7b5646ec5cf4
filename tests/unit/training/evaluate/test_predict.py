"""Classification without a server."""

from pathlib import Path

import pytest
import torch

from tests.support.pictures import bottle, encode
from tests.unit.training.conftest import WriteModel
from training.dataset.preprocessing import decode, normalise, resize
from training.dataset.specification import load_specification
from training.evaluate.card import read_card
from training.evaluate.predict import predict
from training.evaluate.released import load_released


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("one.png", "two.jpg")]
    for path, size in zip(paths, ((300, 200), (50, 90)), strict=True):
        path.write_bytes(encode(bottle(*size), "PNG" if path.suffix == ".png" else "JPEG"))
    return paths


def test_answers_are_those_of_the_network_that_is_served(write_model: WriteModel, photos: list[Path]) -> None:
    folder = write_model()
    network, card = load_released("raw", folder)
    specification = load_specification()
    predictions = list(predict("raw", photos, folder))
    assert [prediction.path for prediction in predictions] == photos
    for prediction in predictions:
        pixels = resize(decode(prediction.path), specification.size)
        with torch.inference_mode():
            expected = network(normalise(pixels[None], specification))[0].tolist()
        assert list(prediction.classes) == list(card.classes)
        assert list(prediction.classes.values()) == pytest.approx(expected)
        assert sum(prediction.classes.values()) == pytest.approx(1, abs=1e-3)
        assert prediction.classes[prediction.pred_class] == max(prediction.classes.values())


def test_sure_is_what_reaches_the_threshold(write_model: WriteModel, photos: list[Path]) -> None:
    folder = write_model()
    threshold = read_card("raw", folder).calibration.confidence_threshold
    for prediction in predict("raw", photos, folder):
        assert prediction.sure == (max(prediction.classes.values()) >= threshold)


def test_what_cannot_be_classified_is_named(write_model: WriteModel, tmp_path: Path) -> None:
    folder = write_model()
    with pytest.raises(FileNotFoundError, match=r"missing\.jpg"):
        list(predict("raw", [tmp_path / "missing.jpg"], folder))
    (tmp_path / "text.jpg").write_text("no photo", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.jpg cannot be decoded"):
        list(predict("raw", [tmp_path / "text.jpg"], folder))
