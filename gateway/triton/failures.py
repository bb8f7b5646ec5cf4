"""The one place where tritonclient's errors become this project's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tritonclient.utils import InferenceServerException

from gateway.errors import BatchFailed, BrokenImage, DeadlineExceeded, GatewayError, ModelUnavailable, QueueFull

_QUEUE_FULL = "Exceeds maximum queue size"
# The project's own backend says which image of a batch it could not decode and fails only that request.
_OWN_DECODE_FAILURE = re.compile(
    r"cannot decode the image|can not decode the image|could not be decoded", re.IGNORECASE
)
# NVIDIA's DALI backend gives every request of a batch the text of the operator that failed.
_NATIVE_DECODE_FAILURE = re.compile(
    r"nvImageCodec|Error in (?:CPU|GPU|MIXED) operator|Error when executing", re.IGNORECASE
)


@contextmanager
def translated(model: str, timeout_seconds: float) -> Iterator[None]:
    """Raises the errors of `gateway.errors` in the place of `InferenceServerException`."""
    try:
        yield
    except InferenceServerException as error:
        raise to_gateway_error(error, model, timeout_seconds) from error


def to_gateway_error(error: InferenceServerException, model: str, timeout_seconds: float) -> GatewayError:
    """What an error of the client means; what is not known counts as the server being unable to answer."""
    status = (error.status() or "").removeprefix("StatusCode.")
    message = error.message() or ""
    if status == "DEADLINE_EXCEEDED":
        return DeadlineExceeded(timeout_seconds)
    if _QUEUE_FULL in message:
        return QueueFull()
    if _OWN_DECODE_FAILURE.search(message):
        return BrokenImage("The image can not be decoded. Send the original file.")
    if _NATIVE_DECODE_FAILURE.search(message):
        return BatchFailed("The batch with this image failed to decode. Send the request again.")
    return ModelUnavailable(model)
