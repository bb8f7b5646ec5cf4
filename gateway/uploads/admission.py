"""Bounds on what is in flight: requests for each model, decoded pixels, and bytes of uploads in memory."""

from collections import Counter
from types import TracebackType
from typing import Self

from gateway.errors import TooManyInFlight


class Slot:
    """An admitted request's place. `release` may be called more than once, by whoever ends the request."""

    __slots__ = ("_admission", "_decoded_bytes", "_model")

    def __init__(self, admission: "Admission", model: str, decoded_bytes: int) -> None:
        self._admission: Admission | None = admission
        self._model = model
        self._decoded_bytes = decoded_bytes

    def release(self) -> None:
        """Gives the place back."""
        if self._admission is not None:
            self._admission.in_flight[self._model] -= 1
            self._admission.decoded_bytes -= self._decoded_bytes
            self._admission = None


class Admission:
    """Admits at once or refuses at once: who would have to wait is better told so (HTTP 429).

    Requests are counted for each model, so that a flood for the slow one leaves the fast one free. Decoded bytes are
    counted over all, because they bound the memory that Triton needs for pixels; one image alone always passes.
    """

    def __init__(self, max_requests: int, max_decoded_bytes: int) -> None:
        self._max_requests = max_requests
        self._max_decoded_bytes = max_decoded_bytes
        self.in_flight: Counter[str] = Counter()
        self.decoded_bytes = 0

    def admit(self, model: str, decoded_bytes: int) -> Slot:
        """Takes a place. Raises `TooManyInFlight` with the reason "requests" or "decoded_bytes"."""
        if self.in_flight[model] >= self._max_requests:
            raise TooManyInFlight("requests")
        if self.decoded_bytes and self.decoded_bytes + decoded_bytes > self._max_decoded_bytes:
            raise TooManyInFlight("decoded_bytes")
        self.in_flight[model] += 1
        self.decoded_bytes += decoded_bytes
        return Slot(self, model, decoded_bytes)


class UploadMemory:
    """How many bytes of uploads are in memory, over all requests."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.bytes = 0

    def share(self) -> "UploadShare":
        """One request's share, empty at first."""
        return UploadShare(self)

    def take(self, count: int) -> None:
        """Raises `TooManyInFlight` with the reason "upload_bytes"."""
        if self.bytes + count > self._max_bytes:
            raise TooManyInFlight("upload_bytes")
        self.bytes += count


class UploadShare:
    """What one request has taken of the `UploadMemory`; given back at the end of the `with` block."""

    def __init__(self, memory: UploadMemory) -> None:
        self._memory = memory
        self._bytes = 0

    def grow(self, count: int) -> None:
        """Takes more. Raises `TooManyInFlight`."""
        self._memory.take(count)
        self._bytes += count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._memory.bytes -= self._bytes
        self._bytes = 0
