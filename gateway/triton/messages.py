"""The ensembles' tensors: IMAGE, a file's bytes, PROBABILITIES, and of those that explain ACTIVATION_MAPS.

The messages are those that tritonclient generates of Triton's protocol. Its InferInput and InferResult would check and
convert what is known here, a tenth of the gateway's work for a photo (docs/experiments.md, 2026-11-28).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse
from tritonclient.utils import deserialize_bytes_tensor

_INPUT, _OUTPUT, _MAPS = "IMAGE", "PROBABILITIES", "ACTIVATION_MAPS"
_PROBABILITIES = ModelInferRequest.InferRequestedOutputTensor(name=_OUTPUT)
_ACTIVATION_MAPS = ModelInferRequest.InferRequestedOutputTensor(name=_MAPS)
_CLASSIFICATIONS = ModelInferRequest.InferRequestedOutputTensor(name=_OUTPUT)
_CLASSIFICATIONS.parameters["classification"].int64_param = 1_000_000  # Triton gives as many as there are


def explaining(model: str) -> str:
    """Name the ensemble that says where ``model`` looked."""
    return f"{model}_explain"


def plain_request(model: str, image: bytes) -> ModelInferRequest:
    """Ask an ensemble for the tensor PROBABILITIES of one file."""
    return _request(model, image, _PROBABILITIES)


def explaining_request(model: str, image: bytes) -> ModelInferRequest:
    """Ask for ACTIVATION_MAPS too, of the ensemble that explains."""
    return _request(explaining(model), image, _PROBABILITIES, _ACTIVATION_MAPS)


def classifying_request(model: str, image: bytes) -> ModelInferRequest:
    """Ask for all classes with their labels, by Triton's classification extension."""
    return _request(model, image, _CLASSIFICATIONS)


def _request(model: str, image: bytes, *outputs: ModelInferRequest.InferRequestedOutputTensor) -> ModelInferRequest:
    # IMAGE is UINT8 [1, length].
    tensor = ModelInferRequest.InferInputTensor(name=_INPUT, datatype="UINT8", shape=(1, len(image)))
    return ModelInferRequest(model_name=model, inputs=(tensor,), outputs=outputs, raw_input_contents=(image,))


def probabilities(response: ModelInferResponse) -> NDArray[np.float32]:
    """Return tensor PROBABILITIES without its batch dimension, FP32 [classes]; empty where the answer has none."""
    return _floats(response, _OUTPUT).reshape(-1)


def activation_maps(response: ModelInferResponse) -> NDArray[np.float32]:
    """Return tensor ACTIVATION_MAPS without its batch dimension, FP32 [classes, height, width]; empty without one."""
    maps = _floats(response, _MAPS)
    return maps[0] if len(maps) else maps


def classifications(response: ModelInferResponse) -> list[bytes]:
    """Return ``probability:index:label`` of every class, best first; empty where there is none."""
    content, _ = _tensor(response, _OUTPUT, "BYTES")
    return list(deserialize_bytes_tensor(content))


def _floats(response: ModelInferResponse, name: str) -> NDArray[np.float32]:
    content, shape = _tensor(response, name, "FP32")
    try:
        return np.frombuffer(content, np.float32).reshape(shape)
    except ValueError:  # of another size than it says
        return np.empty(0, np.float32)


def _tensor(response: ModelInferResponse, name: str, datatype: str) -> tuple[bytes, Sequence[int]]:
    for output, content in zip(response.outputs, response.raw_output_contents, strict=False):
        if output.name == name and output.datatype == datatype:
            return content, output.shape
    return b"", (0,)
