"""The use case, free of HTTP: an encoded image in, a checked answer out."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import numpy as np

from gateway.errors import DeadlineExceeded, InvalidAnswer, UnknownModel
from gateway.images.header import ImageHeader
from gateway.images.inspect import inspect
from gateway.images.transcode import Transcoder, to_native
from gateway.inference.protocol import Classifier
from gateway.inference.types import Answer, Explanation
from gateway.triton.types import Prediction
from gateway.uploads.admission import Admission, Permit

_SUM_TOLERANCE = 1e-3

_Ask = Callable[[str, bytes, float, Permit], Awaitable[Prediction]]


class ClassifyImage:
    """Checks an image, admits it, converts it where Triton's decoder needs that, and has it classified."""

    def __init__(
        self,
        classifier: Classifier,
        admission: Admission,
        transcoder: Transcoder,
        *,
        model_types: tuple[str, ...],
        max_pixels: int,
    ) -> None:
        self._classifier = classifier
        self._admission = admission
        self._transcoder = transcoder
        self._model_types = model_types
        self._max_pixels = max_pixels

    def check_model(self, model_type: str) -> None:
        """Accept a served model type.

        Raises:
            UnknownModel: It is none of them.
        """
        if model_type not in self._model_types:
            raise UnknownModel(model_type, self._model_types)

    async def __call__(self, model_type: str, data: bytes, timeout_seconds: float) -> Answer:
        """Classify an encoded image.

        Args:
            model_type: One that ``check_model`` accepts.
            data: The file's bytes.
            timeout_seconds: How long the caller waits.

        Raises:
            ImageError: The file is broken, too large, or no image of an accepted format.
            Overloaded: Too much is worked on.
            ModelUnavailable: Triton is away, or the model not ready.
            DeadlineExceeded: There was no answer in time.
            InvalidAnswer: Triton answered with something else than probabilities.
        """
        _, answer = await self._ask(self._classifier.classify, model_type, data, timeout_seconds)
        return answer

    async def explain(self, model_type: str, data: bytes, timeout_seconds: float) -> Explanation:
        """Return the answer, and what spoke for each class.

        Raises:
            CanNotExplain: The model has no ensemble that explains; else what a call raises.
        """
        prediction, answer = await self._ask(self._classifier.explain, model_type, data, timeout_seconds)
        maps = prediction.maps
        if maps is None or maps.ndim != 3 or len(maps) != len(answer.classes) or not np.isfinite(maps).all():
            raise InvalidAnswer("Triton's answer has no activation map for each class.")
        return Explanation(answer, maps)

    async def _ask(self, ask: _Ask, model_type: str, data: bytes, timeout_seconds: float) -> tuple[Prediction, Answer]:
        started = time.perf_counter()
        header = inspect(data, self._max_pixels)
        with self._admission.admit(model_type, header.decoded_bytes) as permit:
            finds_damage = self._finds_damage(model_type)
            if header.is_quick or (header.native and finds_damage):
                data = to_native(header, finds_damage=finds_damage)
            else:
                data = await self._converted(header, permit, timeout_seconds)
            validated = time.perf_counter()
            left = timeout_seconds - (validated - started)
            if left <= 0:
                raise DeadlineExceeded(timeout_seconds)
            prediction = await ask(model_type, data, left, permit)
        answered = time.perf_counter()
        return prediction, _answer(prediction, header, validated - started, answered - validated)

    def _finds_damage(self, model_type: str) -> bool:
        description = self._classifier.described().get(model_type)
        return description is not None and description.finds_damage

    async def _converted(self, header: ImageHeader, permit: Permit, timeout_seconds: float) -> bytes:
        conversion = self._transcoder.run(to_native, header)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await asyncio.shield(conversion)
        except (TimeoutError, asyncio.CancelledError) as exc:
            # The thread goes on though nobody waits for it, so the place is free only when it has ended.
            held = permit.take()
            conversion.add_done_callback(lambda _: held.release())
            if isinstance(exc, TimeoutError):
                raise DeadlineExceeded(timeout_seconds) from exc
            raise
        finally:
            # A failure's traceback holds this frame: with the future in it, the upload would wait for the collector.
            del conversion


def _answer(prediction: Prediction, header: ImageHeader, validate_seconds: float, triton_seconds: float) -> Answer:
    probabilities = prediction.probabilities
    labels = prediction.model.labels
    if probabilities.shape != (len(labels),):
        raise InvalidAnswer(f"Triton answered {probabilities.shape} probabilities for {len(labels)} classes.")
    values = probabilities.tolist()  # for a few numbers Python is faster than NumPy
    if not (min(values) >= 0 and math.isclose(sum(values), 1.0, abs_tol=_SUM_TOLERANCE)):  # never true of NaN, infinity
        raise InvalidAnswer("Triton's answer is no distribution of probabilities.")
    confidence = max(values)
    best = values.index(confidence)
    threshold = prediction.model.confidence_threshold
    return Answer(
        pred_class=labels[best],
        classes=dict(zip(labels, probabilities, strict=True)),
        confidence=confidence,
        not_sure=threshold is not None and confidence < threshold,
        model_version=prediction.model_version,
        image=header,
        validate_seconds=validate_seconds,
        triton_seconds=triton_seconds,
    )
