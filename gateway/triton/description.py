"""Learns what a model is from Triton itself: the labels, the weights' digest, the threshold, the drift reference."""

from collections.abc import Mapping
from typing import Any

import orjson
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

from gateway.errors import ModelUnavailable
from gateway.prediction import DriftReference, ModelDescription
from gateway.triton.tensors import OUTPUT, explaining, image_input

_ALL_CLASSES = 1_000_000  # Triton gives as many as there are


async def describe(
    client: triton.InferenceServerClient, name: str, image: bytes, timeout_seconds: float
) -> ModelDescription:
    """Asks for the labels by one classification of `image`, and for the model's configuration.

    The export may write the parameters `weights_digest`, `confidence_threshold`, and as JSON `drift_reference` and
    `metrics` into the ensemble's configuration. Raises tritonclient's `InferenceServerException`, or `ModelUnavailable`
    where the answer carries no labels.
    """
    output = triton.InferRequestedOutput(OUTPUT, class_count=_ALL_CLASSES)
    result = await client.infer(name, [image_input(image)], outputs=[output], client_timeout=timeout_seconds)
    labels = _labels(result.as_numpy(OUTPUT).reshape(-1).tolist(), name)
    response = await client.get_model_config(name, client_timeout=timeout_seconds)
    parameters = {key: value.string_value for key, value in response.config.parameters.items()}
    threshold = parameters.get("confidence_threshold")
    reference = parameters.get("drift_reference")
    return ModelDescription(
        labels,
        parameters.get("weights_digest") or None,
        float(threshold) if threshold else None,
        _reference(orjson.loads(reference)) if reference else None,
        result.get_response().model_version,
        orjson.loads(parameters.get("metrics", "{}")),
        await _has(client, explaining(name), timeout_seconds),
    )


async def _has(client: triton.InferenceServerClient, name: str, timeout_seconds: float) -> bool:
    try:
        return bool(await client.is_model_ready(name, client_timeout=timeout_seconds))
    except InferenceServerException as error:
        if error.status() == "StatusCode.NOT_FOUND":
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
    return tuple(by_index[index] for index in range(len(by_index)))


def _reference(document: Mapping[str, Any]) -> DriftReference:
    return DriftReference(
        document.get("class_shares", {}),
        tuple(document.get("confidence_deciles", ())),
        document.get("low_confidence_share"),
    )
