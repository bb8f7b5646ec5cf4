"""What the served models are: asked of Triton, and kept until a reason comes to ask again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
import orjson
import structlog
from tritonclient.grpc.service_pb2 import ModelConfigRequest, ModelReadyRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from gateway.errors import ModelUnavailable
from gateway.triton.messages import classifications, classifying_request, explaining, plain_request
from gateway.triton.types import DriftReference, ModelDescription
from imaging.jpeg import DAMAGED, with_extraneous_bytes

log = structlog.get_logger(__name__)


class KnownModels:
    """Keeps a description of each model; who needs one that is missing waits for one call that all share."""

    def __init__(self, ask: Callable[[str], Awaitable[ModelDescription]]) -> None:
        self._ask = ask
        self._known: dict[str, ModelDescription] = {}
        self._learning: dict[str, asyncio.Task[ModelDescription]] = {}

    def described(self) -> Mapping[str, ModelDescription]:
        """Return all that are known."""
        return self._known

    async def get(self, model: str) -> ModelDescription:
        """Return the model's description, asked for where it is not known. Raises what asking raises."""
        return self._known.get(model) or await self.learn(model)

    async def learn(self, model: str) -> ModelDescription:
        """Ask for the model's description anew."""
        task = self._learning.get(model)
        # One that has ended answers at once, without a turn for anybody else, its own callback included.
        if task is None or task.done():
            task = self._learning[model] = asyncio.create_task(self._learn(model))
            task.add_done_callback(lambda done: self._learned(model, done))
        return await asyncio.shield(task)

    def forget(self, model: str) -> None:
        """Have the model learned again before the next request."""
        self._known.pop(model, None)

    def forget_all(self) -> None:
        """Have all learned again: after a lost connection there may be another Triton, with other classes."""
        self._known.clear()

    async def close(self) -> None:
        """Stop asking."""
        tasks = list(self._learning.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _learn(self, model: str) -> ModelDescription:
        description = await self._ask(model)
        if model not in self._known:
            log.info("learned", model=model, labels=description.labels, weights_digest=description.weights_digest)
        self._known[model] = description
        return description

    def _learned(self, model: str, task: asyncio.Task[ModelDescription]) -> None:
        if self._learning.get(model) is task:
            del self._learning[model]
        if not task.cancelled():
            task.exception()  # looked at, for the case that all who waited have gone


async def describe(
    triton: GRPCInferenceServiceStub, name: str, image: bytes, timeout_seconds: float
) -> ModelDescription:
    """Ask for the labels by one classification of ``image``, a JPEG, and for the model's configuration.

    The export may write the parameters `weights_digest`, `confidence_threshold`, and as JSON `drift_reference`,
    `metrics`, `places` and `class_descriptions` into the ensemble's configuration. Raises `grpc.aio.AioRpcError`, or
    `ModelUnavailable` where the answer carries no labels.
    """
    answer = await triton.ModelInfer(classifying_request(name, image), timeout=timeout_seconds)
    labels = _labels(classifications(answer), name)
    answered = await triton.ModelConfig(ModelConfigRequest(name=name), timeout=timeout_seconds)
    parameters = {key: value.string_value for key, value in answered.config.parameters.items()}
    threshold = parameters.get("confidence_threshold")
    reference = parameters.get("drift_reference")
    return ModelDescription(
        labels=labels,
        weights_digest=parameters.get("weights_digest") or None,
        confidence_threshold=float(threshold) if threshold else None,
        drift_reference=_reference(orjson.loads(reference)) if reference else None,
        version_number=answer.model_version,
        metrics=orjson.loads(parameters.get("metrics", "{}")),
        explains=await _has(triton, explaining(name), timeout_seconds),
        places=orjson.loads(parameters.get("places", "null")),
        class_descriptions=orjson.loads(parameters.get("class_descriptions", "{}")),
        finds_damage=await _finds_damage(triton, name, image, timeout_seconds),
    )


async def _finds_damage(triton: GRPCInferenceServiceStub, name: str, image: bytes, timeout_seconds: float) -> bool:
    """Ask about a JPEG that every decoder shows whole, and only one that minds libjpeg's warnings refuses."""
    try:
        await triton.ModelInfer(plain_request(name, with_extraneous_bytes(image)), timeout=timeout_seconds)
    except grpc.aio.AioRpcError as exc:
        if DAMAGED in (exc.details() or ""):
            return True
        raise
    return False


async def _has(triton: GRPCInferenceServiceStub, name: str, timeout_seconds: float) -> bool:
    try:
        return bool((await triton.ModelReady(ModelReadyRequest(name=name), timeout=timeout_seconds)).ready)
    except grpc.aio.AioRpcError as exc:
        if exc.code() is grpc.StatusCode.NOT_FOUND:
            return False
        raise


def _labels(found: list[bytes], name: str) -> tuple[str, ...]:
    """Turn `probability:index:label` of every class, best first, into the labels by index."""
    by_index: dict[int, str] = {}
    for each in found:
        _, index, *label = each.decode().split(":", 2)
        if not label:
            raise ModelUnavailable(name)
        by_index[int(index)] = label[0]
    if not by_index:
        raise ModelUnavailable(name)
    return tuple(by_index[index] for index in range(len(by_index)))


def _reference(document: Mapping[str, Any]) -> DriftReference:
    return DriftReference(
        document.get("class_shares", {}),
        tuple(document.get("confidence_deciles", ())),
        document.get("low_confidence_share"),
    )
