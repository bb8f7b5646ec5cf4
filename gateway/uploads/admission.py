"""Bounds on concurrent work: requests for each model, decoded pixels, and bytes of uploads in memory."""

from collections import Counter
from typing import Self

from gateway.errors import TooManyConcurrent


class Permit:
    """A request's place among those at work. Whoever holds it releases it, at the end of a ``with`` block as a rule.

    ``take`` moves the place into a new permit, for a holder that outlives the block: the old one is empty then.
    """

    __slots__ = ("_admission", "_decoded_bytes", "_model")

    def __init__(self, admission: "Admission | None", model: str, decoded_bytes: int) -> None:
        self._admission = admission
        self._model = model
        self._decoded_bytes = decoded_bytes

    def take(self) -> "Permit":
        """Move the place into a new permit, and leave this one empty."""
        taken = Permit(self._admission, self._model, self._decoded_bytes)
        self._admission = None
        return taken

    def release(self) -> None:
        """Give the place back; nothing where it is given back or taken already."""
        if self._admission is not None:
            self._admission.concurrent_requests[self._model] -= 1
            self._admission.decoded_bytes -= self._decoded_bytes
            self._admission = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Admission:
    """Admits a request at once or refuses it at once: a client that would have to wait is better told so (HTTP 429).

    Requests are counted for each model, so that a flood for the slow one leaves the fast one free. Decoded bytes are
    counted over all, because they bound the memory that Triton needs for pixels; one image alone always passes.
    """

    def __init__(self, max_requests: int, max_decoded_bytes: int) -> None:
        self._max_requests = max_requests
        self._max_decoded_bytes = max_decoded_bytes
        self.concurrent_requests: Counter[str] = Counter()
        self.decoded_bytes = 0

    def admit(self, model: str, decoded_bytes: int) -> Permit:
        """Admit a request.

        Args:
            model: Of which the requests are counted.
            decoded_bytes: Memory that the request's image needs once it is decoded.

        Returns:
            The permit, which the caller holds and releases.

        Raises:
            TooManyConcurrent: With the reason "requests" or "decoded_bytes".
        """
        if self.concurrent_requests[model] >= self._max_requests:
            raise TooManyConcurrent("requests")
        if self.decoded_bytes and self.decoded_bytes + decoded_bytes > self._max_decoded_bytes:
            raise TooManyConcurrent("decoded_bytes")
        self.concurrent_requests[model] += 1
        self.decoded_bytes += decoded_bytes
        return Permit(self, model, decoded_bytes)


class UploadMemory:
    """How many bytes of uploads are in memory, over all requests."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.bytes = 0

    def share(self) -> "UploadShare":
        """Begin one request's share, empty at first."""
        return UploadShare(self)

    def take(self, count: int) -> None:
        """Take bytes.

        Raises:
            TooManyConcurrent: With the reason "upload_bytes".
        """
        if self.bytes + count > self._max_bytes:
            raise TooManyConcurrent("upload_bytes")
        self.bytes += count


class UploadShare:
    """What one request has taken of the `UploadMemory`; given back at the end of the `with` block."""

    def __init__(self, memory: UploadMemory) -> None:
        self._memory = memory
        self._bytes = 0

    def grow(self, count: int) -> None:
        """Take more.

        Raises:
            TooManyConcurrent: With the reason "upload_bytes".
        """
        self._memory.take(count)
        self._bytes += count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.bytes -= self._bytes
        self._bytes = 0
