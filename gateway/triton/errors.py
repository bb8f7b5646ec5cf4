"""The one place where the errors of calls to Triton become this project's."""

import re
from contextlib import AbstractContextManager
from types import TracebackType

import grpc

from gateway.errors import (
    BatchFailed,
    BrokenImage,
    ConnectionLost,
    DeadlineExceeded,
    GatewayError,
    ModelUnavailable,
    QueueFull,
    damaged,
)
from imaging.jpeg import DAMAGED

_QUEUE_FULL = "Exceeds maximum queue size"
# embedded_triton's DALI backend tells each request whether its own image is to blame, and of a JPEG what is damaged.
_OWN_IMAGE_FAILED = "could not be decoded"
_OWN_IMAGE_DAMAGED = re.compile(rf"{re.escape(DAMAGED)} \(.*?\)\.")
# NVIDIA's copies what DALI says of the operator that failed to every request of the batch.
_DECODER_FAILED = re.compile(r"\berror\b.*operator.*decoders?[._]{1,2}image", re.IGNORECASE | re.DOTALL)
_NO_FAULT_OF_AN_IMAGE = re.compile(r"alloc|memory|cuda|cudnn|driver", re.IGNORECASE)


class Translated(AbstractContextManager[None]):
    """Raises the errors of `gateway.errors` in the place of `grpc.aio.AioRpcError`."""

    __slots__ = ("_model", "_timeout_seconds")

    def __init__(self, model: str, timeout_seconds: float) -> None:
        self._model = model
        self._timeout_seconds = timeout_seconds

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the translated error."""
        if isinstance(error, grpc.aio.AioRpcError):
            raise to_gateway_error(error, self._model, self._timeout_seconds) from error


def to_gateway_error(error: grpc.aio.AioRpcError, model: str, timeout_seconds: float) -> GatewayError:
    """Return the error that one of a call stands for; an unknown one counts as a model that cannot answer."""
    message = error.details() or ""
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(timeout_seconds)
    if _QUEUE_FULL in message:
        return QueueFull()
    if found := _OWN_IMAGE_DAMAGED.search(message):
        return damaged(found[0])
    if _OWN_IMAGE_FAILED in message:
        return BrokenImage("The image cannot be decoded. Send the original file.")
    if _DECODER_FAILED.search(message) and not _NO_FAULT_OF_AN_IMAGE.search(message):
        return BatchFailed("The batch with this image failed to decode. Send the request again.")
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return ConnectionLost(model)
    return ModelUnavailable(model)
