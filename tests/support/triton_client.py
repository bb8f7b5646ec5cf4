"""Plain tritonclient, as other programs use it, and pictures to send."""

import io
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from PIL import Image
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from tests.support.waiting import eventually

#: FP32 [classes].
Probabilities = np.ndarray[Any, np.dtype[np.float32]]


def as_input(content: bytes) -> InferInput:
    """Return the tensor that holds an image file."""
    array = np.frombuffer(content, dtype=np.uint8)[np.newaxis]
    tensor = InferInput("IMAGE", list(array.shape), "UINT8")
    tensor.set_data_from_numpy(array)
    return tensor


def encoded(width: int, height: int, seed: int, image_format: str = "JPEG") -> bytes:
    """Draw coloured patches that differ with the seed, as a file."""
    patches = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC).save(buffer, image_format)
    return buffer.getvalue()


def of_many_sizes(count: int) -> list[bytes]:
    """Return pictures of as many sizes, shapes and formats."""
    formats = ("JPEG", "PNG", "WEBP", "BMP")
    return [encoded(40 + 17 * n, 40 + (360 - 11 * n) % 361, n, formats[n % len(formats)]) for n in range(count)]


def ask(client: InferenceServerClient, model: str, content: bytes) -> Probabilities:
    """Return the probabilities of one picture.

    Raises:
        InferenceServerException: Triton has answered with an error.
    """
    result = client.infer(model, [as_input(content)], client_timeout=120)
    probabilities: Probabilities = result.as_numpy("PROBABILITIES")[0]
    return probabilities


def ask_at_once(url: str, model: str, contents: list[bytes]) -> list[Probabilities]:
    """Send all pictures at the same time, over one channel, and return the answers in order.

    Raises:
        InferenceServerException: Triton has answered one with an error.
    """
    with InferenceServerClient(url) as client, ThreadPoolExecutor(len(contents)) as pool:
        return list(pool.map(partial(ask, client, model), contents))


def outcomes_at_once(
    url: str, model: str, contents: list[bytes]
) -> tuple[dict[int, Probabilities], dict[int, InferenceServerException]]:
    """Do so, and return the answers and the errors, each by the place of its picture."""
    answers, errors = {}, {}
    with InferenceServerClient(url) as client, ThreadPoolExecutor(len(contents)) as pool:
        for number, future in enumerate([pool.submit(ask, client, model, content) for content in contents]):
            try:
                answers[number] = future.result()
            except InferenceServerException as exc:
                errors[number] = exc
    return answers, errors


def counts(url: str, model: str, at_least: int = 0) -> tuple[int, int]:
    """Return how many inferences and how many executions the server has counted for ``model``.

    Triton counts a request a moment after it has answered it: this waits up to 20 seconds for ``at_least`` inferences.
    """
    with InferenceServerClient(url) as client:

        def statistics() -> Any:
            return client.get_inference_statistics(model).model_stats[0]

        eventually(lambda: statistics().inference_count >= at_least, seconds=20)
        latest = statistics()
    return latest.inference_count, latest.execution_count
