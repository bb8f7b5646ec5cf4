"""The ensembles' tensors: IMAGE, a file's bytes, PROBABILITIES, and of those that explain ACTIVATION_MAPS."""

import numpy
import tritonclient.grpc.aio as triton
from numpy.typing import NDArray

INPUT, OUTPUT, MAPS = "IMAGE", "PROBABILITIES", "ACTIVATION_MAPS"


def explaining(model: str) -> str:
    """The ensemble that says where `model` looked."""
    return f"{model}_explain"


def image_input(image: bytes) -> triton.InferInput:
    """The file's bytes as tensor IMAGE, UINT8 [1, length]."""
    tensor = triton.InferInput(INPUT, [1, len(image)], "UINT8")
    tensor.set_data_from_numpy(numpy.frombuffer(image, numpy.uint8).reshape(1, -1))
    return tensor


def probabilities(result: triton.InferResult) -> NDArray[numpy.float32]:
    """Tensor PROBABILITIES without its batch dimension, FP32 [classes]; empty where the answer has none."""
    tensor = result.as_numpy(OUTPUT)
    return numpy.empty(0, numpy.float32) if tensor is None else tensor.reshape(-1).astype(numpy.float32, copy=False)


def activation_maps(result: triton.InferResult) -> NDArray[numpy.float32]:
    """Tensor ACTIVATION_MAPS without its batch dimension, FP32 [classes, height, width]."""
    tensor = result.as_numpy(MAPS)
    return numpy.empty((0, 0, 0), numpy.float32) if tensor is None else tensor[0].astype(numpy.float32, copy=False)
