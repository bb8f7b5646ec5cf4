"""The ensembles, asked straight at Triton with plain tritonclient."""

import io

import numpy as np
import pytest
from PIL import Image
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput

from tests.e2e.running_triton import RunningTriton

pytestmark = pytest.mark.e2e


def as_input(content: bytes) -> InferInput:
    array = np.frombuffer(content, dtype=np.uint8)[np.newaxis]
    tensor = InferInput("IMAGE", list(array.shape), "UINT8")
    tensor.set_data_from_numpy(array)
    return tensor


def encoded(width: int, height: int, seed: int, image_format: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format)
    return buffer.getvalue()


@pytest.mark.parametrize("model", ["raw", "pretrained"])
def test_class_count_names_the_classes(triton: RunningTriton, model: str) -> None:
    labels = (triton.model_repository / "labels.txt").read_text().split()
    output = InferRequestedOutput("PROBABILITIES", class_count=len(labels))
    with InferenceServerClient(triton.grpc_url) as client:
        answer = client.infer(model, [as_input(encoded(64, 48, 1))], outputs=[output])
        plain = client.infer(model, [as_input(encoded(64, 48, 1))]).as_numpy("PROBABILITIES")[0]
    triples = [entry.decode().split(":") for entry in answer.as_numpy("PROBABILITIES").ravel()]
    assert [labels.index(name) for _, _, name in triples] == [int(index) for _, index, _ in triples]
    np.testing.assert_allclose([float(value) for value, _, _ in triples], np.sort(plain)[::-1], atol=1e-5)
