"""The use case, free of HTTP: an encoded image in, a checked answer out."""

import math
import time
from dataclasses import dataclass

import numpy

from gateway.errors import InvalidAnswer, UnknownModel
from gateway.images.header import ImageHeader
from gateway.images.inspect import inspect
from gateway.images.transcode import Transcoder
from gateway.prediction import Classifier, Prediction

_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Answer:
    """The most probable class, the probability of each, and how the answer came about. Times in seconds."""

    pred_class: str
    classes: dict[str, numpy.float32]
    confidence: float
    not_sure: bool
    model_version: str
    image: ImageHeader
    validate_seconds: float
    triton_seconds: float


class ClassifyImage:
    """Checks an image, converts it where Triton's decoder needs that, and has it classified."""

    def __init__(
        self, classifier: Classifier, transcoder: Transcoder, *, model_types: tuple[str, ...], max_pixels: int
    ) -> None:
        self._classifier = classifier
        self._transcoder = transcoder
        self._model_types = model_types
        self._max_pixels = max_pixels

    def check_model(self, model_type: str) -> None:
        """Raises `UnknownModel`."""
        if model_type not in self._model_types:
            raise UnknownModel(model_type, self._model_types)

    async def __call__(self, model_type: str, data: bytes, timeout_seconds: float) -> Answer:
        """Raises `ImageError`, `Overloaded`, `ModelUnavailable`, `DeadlineExceeded` or `InvalidAnswer`."""
        started = time.perf_counter()
        header = inspect(data, self._max_pixels)
        if not header.native:
            data = await self._transcoder.to_native(data, header)
        validated = time.perf_counter()
        prediction = await self._classifier.classify(model_type, data, timeout_seconds - (validated - started))
        answered = time.perf_counter()
        return _answer(prediction, header, validated - started, answered - validated)


def _answer(prediction: Prediction, header: ImageHeader, validate_seconds: float, triton_seconds: float) -> Answer:
    probabilities = prediction.probabilities
    if probabilities.shape != (len(prediction.labels),):
        raise InvalidAnswer(
            f"Triton answered {probabilities.shape} probabilities for {len(prediction.labels)} classes."
        )
    total, least = float(probabilities.sum()), float(probabilities.min())
    if not (least >= 0 and math.isclose(total, 1.0, abs_tol=_SUM_TOLERANCE)):  # never true of NaN or infinity
        raise InvalidAnswer("Triton's answer is no distribution of probabilities.")
    best = int(probabilities.argmax())
    confidence = float(probabilities[best])
    threshold = prediction.confidence_threshold
    return Answer(
        pred_class=prediction.labels[best],
        classes=dict(zip(prediction.labels, probabilities, strict=True)),
        confidence=confidence,
        not_sure=threshold is not None and confidence < threshold,
        model_version=prediction.model_version,
        image=header,
        validate_seconds=validate_seconds,
        triton_seconds=triton_seconds,
    )
