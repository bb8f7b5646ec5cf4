"""What the gateway learns of a model from Triton itself: the labels, the weights' digest, the threshold."""

import numpy
import tritonclient.grpc.aio as triton
from tritonclient.grpc import model_config_pb2

from gateway.errors import ModelUnavailable
from gateway.prediction import Prediction

INPUT, OUTPUT = "IMAGE", "PROBABILITIES"
_ALL_CLASSES = 1_000_000  # Triton gives as many as there are


class ServedModel:
    """A model's labels in the order of its output tensor, and what its configuration says of its weights."""

    def __init__(self, labels: tuple[str, ...], digest: str | None, confidence_threshold: float | None) -> None:
        self.labels = labels
        self._digest = digest
        self._confidence_threshold = confidence_threshold

    def prediction(self, result: triton.InferResult) -> Prediction:
        """The probabilities in an answer, without the batch dimension."""
        probabilities = result.as_numpy(OUTPUT).reshape(-1)
        number = result.get_response().model_version
        version = f"{number}-{self._digest}" if self._digest else number
        return Prediction(self.labels, probabilities, version, self._confidence_threshold)


def image_input(image: bytes) -> triton.InferInput:
    """The file's bytes as tensor IMAGE, UINT8 [1, length]."""
    tensor = triton.InferInput(INPUT, [1, len(image)], "UINT8")
    tensor.set_data_from_numpy(numpy.frombuffer(image, numpy.uint8).reshape(1, -1))
    return tensor


async def learn(client: triton.InferenceServerClient, name: str, image: bytes, timeout_seconds: float) -> ServedModel:
    """Asks Triton for the labels by one classification, and for the model's configuration.

    Raises tritonclient's `InferenceServerException`, or `ModelUnavailable` where the answer carries no labels.
    """
    output = triton.InferRequestedOutput(OUTPUT, class_count=_ALL_CLASSES)
    result = await client.infer(name, [image_input(image)], outputs=[output], client_timeout=timeout_seconds)
    labels = _labels(result.as_numpy(OUTPUT).reshape(-1).tolist(), name)
    response = await client.get_model_config(name, client_timeout=timeout_seconds)
    parameters = response.config.parameters
    threshold = _parameter(parameters, "confidence_threshold")
    return ServedModel(labels, _parameter(parameters, "weights_digest"), float(threshold) if threshold else None)


def _labels(classifications: list[bytes], name: str) -> tuple[str, ...]:
    """From `probability:index:label` of every class, best first, to the labels by index."""
    by_index: dict[int, str] = {}
    for classification in classifications:
        _, index, *label = classification.decode().split(":", 2)
        if not label:
            raise ModelUnavailable(name)
        by_index[int(index)] = label[0]
    return tuple(by_index[index] for index in range(len(by_index)))


def _parameter(parameters: "dict[str, model_config_pb2.ModelParameter]", key: str) -> str | None:
    return parameters[key].string_value or None if key in parameters else None
