"""The one place where tritonclient's errors become this project's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tritonclient.utils import InferenceServerException

from gateway.errors import (
    BatchFailed,
    BrokenImage,
    ConnectionLost,
    DeadlineExceeded,
    GatewayError,
    ModelUnavailable,
    QueueFull,
)

_QUEUE_FULL = "Exceeds maximum queue size"
# embedded_triton's DALI backend tells each request whether its own image is to blame.
_OWN_IMAGE_FAILED = "could not be decoded"
# NVIDIA's copies what DALI says of the operator that failed to every request of the batch.
_DECODER_FAILED = re.compile(r"\berror\b.*operator.*decoders?[._]{1,2}image", re.IGNORECASE | re.DOTALL)
_NO_FAULT_OF_AN_IMAGE = re.compile(r"alloc|memory|cuda|cudnn|driver", re.IGNORECASE)


@contextmanager
def translated(model: str, timeout_seconds: float) -> Iterator[None]:
    """Raises the errors of `gateway.errors` in the place of `InferenceServerException`."""
    try:
        yield
    except InferenceServerException as error:
        raise to_gateway_error(error, model, timeout_seconds) from error


def to_gateway_error(error: InferenceServerException, model: str, timeout_seconds: float) -> GatewayError:
    """What an error of the client means; what is not known counts as the model being unable to answer."""
    message = error.message() or ""
    if error.status() == "StatusCode.DEADLINE_EXCEEDED":
        return DeadlineExceeded(timeout_seconds)
    if _QUEUE_FULL in message:
        return QueueFull()
    if _OWN_IMAGE_FAILED in message:
        return BrokenImage("The image can not be decoded. Send the original file.")
    if _DECODER_FAILED.search(message) and not _NO_FAULT_OF_AN_IMAGE.search(message):
        return BatchFailed("The batch with this image failed to decode. Send the request again.")
    if error.status() == "StatusCode.UNAVAILABLE":
        return ConnectionLost(model)
    return ModelUnavailable(model)
