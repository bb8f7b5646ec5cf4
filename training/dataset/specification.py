"""The one specification of the preprocessing: read here without anything heavy, carried out in preprocessing.py."""

import json
from dataclasses import dataclass
from pathlib import Path

from training.dataset.classes import MODEL_REPOSITORY


@dataclass(frozen=True)
class Specification:
    """What happens to a photo before a network sees it.

    The whole photo is resized to ``size`` x ``size`` pixels without a crop, whatever its aspect ratio: nothing of it is
    lost, and a strip of 20000x1 pixels costs no more than any other photo. ``mean`` and ``std`` are per channel
    (R, G, B) on the scale 0 to 1.
    """

    size: int
    interpolation: str
    antialias: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        if (self.interpolation, self.antialias) != ("linear", True):
            raise ValueError("only linear interpolation with antialiasing gives the same pixels here and in DALI")


def load_specification(model_repository: Path = MODEL_REPOSITORY) -> Specification:
    """Read ``preprocess/1/spec.json``, the file that Triton's ``dali.py`` reads too."""
    values = json.loads((model_repository / "preprocess" / "1" / "spec.json").read_text(encoding="utf-8"))
    return Specification(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})
