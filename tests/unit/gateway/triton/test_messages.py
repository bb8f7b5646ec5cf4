"""Requests and answers in the messages of Triton's protocol."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tritonclient.grpc import InferInput, InferRequestedOutput, InferResult
from tritonclient.grpc._utils import _get_inference_request
from tritonclient.grpc.service_pb2 import ModelInferResponse

from gateway.triton import messages

PHOTO = bytes(range(256)) * 10


def by_tritonclient(model: str, *outputs: InferRequestedOutput) -> Any:
    tensor = InferInput("IMAGE", [1, len(PHOTO)], "UINT8")
    tensor.set_data_from_numpy(np.frombuffer(PHOTO, np.uint8).reshape(1, -1))
    return _get_inference_request(model, [tensor], "", "", list(outputs), 0, False, False, 0, None, None)


PLAIN = InferRequestedOutput("PROBABILITIES")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (messages.plain_request, by_tritonclient("raw", PLAIN)),
        (messages.explaining_request, by_tritonclient("raw_explain", PLAIN, InferRequestedOutput("ACTIVATION_MAPS"))),
        (messages.classifying_request, by_tritonclient("raw", InferRequestedOutput("PROBABILITIES", 1_000_000))),
    ],
)
def test_requests_are_those_of_tritonclient(make: Callable[[str, bytes], Any], expected: Any) -> None:
    assert make("raw", PHOTO) == expected


def answer(**tensors_by_name: np.ndarray[Any, Any]) -> ModelInferResponse:
    response = ModelInferResponse(model_name="raw", model_version="1")
    for name, values in tensors_by_name.items():
        datatype = {"f": "FP32", "d": "FP64"}[values.dtype.char]
        response.outputs.add(name=name, datatype=datatype, shape=values.shape)
        response.raw_output_contents.append(values.tobytes())
    return response


def test_answers_are_read_as_tritonclient_reads_them() -> None:
    maps = np.arange(36, dtype=np.float32).reshape(1, 6, 2, 3)
    response = answer(ACTIVATION_MAPS=maps, PROBABILITIES=np.full((1, 6), 1 / 6, np.float32))
    result = InferResult(response)
    assert messages.probabilities(response).tolist() == result.as_numpy("PROBABILITIES")[0].tolist()
    assert messages.activation_maps(response).tolist() == result.as_numpy("ACTIVATION_MAPS")[0].tolist()


def test_what_is_no_single_precision_is_no_answer() -> None:
    response = answer(PROBABILITIES=np.full((1, 6), 1 / 6))
    assert messages.probabilities(response).size == 0
    assert messages.activation_maps(response).size == 0


@pytest.mark.parametrize("damage", ["no contents", "too short"])
def test_contents_of_another_size_are_no_answer(damage: str) -> None:
    response = answer(PROBABILITIES=np.full((1, 6), 1 / 6, np.float32))
    content = response.raw_output_contents.pop()
    if damage == "too short":
        response.raw_output_contents.append(content[:-1])
    assert messages.probabilities(response).size == 0
