"""What Triton says of a model, and of one image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class DriftReference:
    """What the answers looked like on the validation split, to compare with those of today."""

    class_shares: Mapping[str, float] = field(default_factory=dict)
    confidence_deciles: tuple[float, ...] = ()
    low_confidence_share: float | None = None


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What is known of a served model: its labels in the order of the output tensor, and what its export wrote.

    `weights_digest`, `confidence_threshold` (under it an answer is not sure) and `drift_reference` may be absent.
    `version_number` is Triton's when the model was asked for its labels; `metrics` are those of the model card, by
    split and name; `places` is the card's report on other places; `explains` says whether the model can show
    where it looked; `class_descriptions` has what people are shown of a class, by label; `finds_damage` says whether
    Triton refuses a damaged JPEG by itself.
    """

    labels: tuple[str, ...]
    weights_digest: str | None = None
    confidence_threshold: float | None = None
    drift_reference: DriftReference | None = None
    version_number: str = ""
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    explains: bool = False
    places: Mapping[str, Any] | None = None
    class_descriptions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    finds_damage: bool = False

    def version(self, number: str) -> str:
        """Return Triton's number of a version and, where it is known, the digest of the weights."""
        return f"{number}-{self.weights_digest}" if self.weights_digest else number


@dataclass(frozen=True, slots=True)
class Prediction:
    """The probabilities of one image: FP32 of shape [classes], and Triton's number of the model's version.

    `maps` are there where an explanation was asked for: FP32 [classes, height, width] over the whole image.
    """

    model: ModelDescription
    probabilities: NDArray[np.float32]
    version_number: str
    maps: NDArray[np.float32] | None = None

    @property
    def model_version(self) -> str:
        """Triton's version number and, where it is known, the digest of the weights."""
        return self.model.version(self.version_number)
