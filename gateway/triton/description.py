"""Learns what a model is from Triton itself: the labels, the weights' digest, the threshold, the drift reference."""

from collections.abc import Mapping
from typing import Any

import grpc
import orjson
from tritonclient.grpc.service_pb2 import ModelConfigRequest, ModelReadyRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from gateway.errors import ModelUnavailable
from gateway.prediction import DriftReference, ModelDescription
from gateway.triton.tensors import classifications, classifying_request, explaining


async def describe(
    triton: GRPCInferenceServiceStub, name: str, image: bytes, timeout_seconds: float
) -> ModelDescription:
    """Asks for the labels by one classification of `image`, and for the model's configuration.

    The export may write the parameters `weights_digest`, `confidence_threshold`, and as JSON `drift_reference` and
    `metrics` into the ensemble's configuration. Raises `grpc.aio.AioRpcError`, or `ModelUnavailable` where the answer
    carries no labels.
    """
    answer = await triton.ModelInfer(classifying_request(name, image), timeout=timeout_seconds)
    labels = _labels(classifications(answer), name)
    answered = await triton.ModelConfig(ModelConfigRequest(name=name), timeout=timeout_seconds)
    parameters = {key: value.string_value for key, value in answered.config.parameters.items()}
    threshold = parameters.get("confidence_threshold")
    reference = parameters.get("drift_reference")
    return ModelDescription(
        labels,
        parameters.get("weights_digest") or None,
        float(threshold) if threshold else None,
        _reference(orjson.loads(reference)) if reference else None,
        answer.model_version,
        orjson.loads(parameters.get("metrics", "{}")),
        await _has(triton, explaining(name), timeout_seconds),
    )


async def _has(triton: GRPCInferenceServiceStub, name: str, timeout_seconds: float) -> bool:
    try:
        return bool((await triton.ModelReady(ModelReadyRequest(name=name), timeout=timeout_seconds)).ready)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return False
        raise


def _labels(classifications: list[bytes], name: str) -> tuple[str, ...]:
    """From `probability:index:label` of every class, best first, to the labels by index."""
    by_index: dict[int, str] = {}
    for classification in classifications:
        _, index, *label = classification.decode().split(":", 2)
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
