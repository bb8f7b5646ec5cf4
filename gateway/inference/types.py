"""What the service answers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.images.header import ImageHeader


@dataclass(frozen=True, slots=True)
class Answer:
    """The most probable class, the probability of each, and how the answer came about. Times in seconds."""

    pred_class: str
    classes: dict[str, np.float32]
    confidence: float
    not_sure: bool
    model_version: str
    image: ImageHeader
    validate_seconds: float
    triton_seconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer, and for each class a map of what spoke for it: FP32 [classes, height, width] over the whole image."""

    answer: Answer
    maps: NDArray[np.float32]
