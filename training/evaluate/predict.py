"""Classify photos without a server, by the same preprocessing, weights and calibration."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from training.dataset.preprocessing import decode, normalise, resize
from training.dataset.specification import load_specification
from training.evaluate.card import WEIGHTS
from training.evaluate.released import load_released


@dataclass(frozen=True)
class Prediction:
    """The answer for one file: the class names with their probabilities, and whether the best one counts as sure."""

    path: Path
    classes: dict[str, float]
    sure: bool

    @property
    def pred_class(self) -> str:
        """Return the class with the largest probability."""
        return max(self.classes, key=lambda name: self.classes[name])


def predict(model_type: str, paths: Sequence[Path], weights_folder: Path = WEIGHTS) -> Iterator[Prediction]:
    """Classify image files one after the other, in their order: of every format that the service accepts.

    Raises:
        FileNotFoundError: a file, the weights or their card are missing.
        ValueError: a file is no image that can be decoded, said after the answers of all others; or weights and card do
            not fit.
    """
    network, card = load_released(model_type, weights_folder)
    specification = load_specification()
    broken: list[str] = []
    for path in paths:
        try:
            pixels = resize(decode(path), specification.size)
        except FileNotFoundError:
            raise
        except OSError as exc:
            broken.append(f"{path} cannot be decoded: {exc}")
            continue
        with torch.inference_mode():
            probabilities = network(normalise(pixels[None], specification))[0].tolist()
        sure = max(probabilities) >= card.calibration.confidence_threshold
        yield Prediction(path, dict(zip(card.classes, probabilities, strict=True)), sure)
    if broken:
        raise ValueError("; ".join(broken))
