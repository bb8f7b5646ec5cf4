"""Reads the files of an upload while it streams in: bounded in bytes, parts and time, never on disk."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import BodyTooLarge, ClientGone, EncodedBody, MalformedUpload, UploadTimeout
from gateway.uploads.admission import UploadMemory, UploadShare
from gateway.uploads.multipart import UploadedFile, boundary_of, files_of

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Bounds of one upload.

    Attributes:
        memory: What the uploads of all requests share.
        max_body_bytes: Largest body.
        grace_seconds: Time that any upload has.
        bytes_per_second: The least rate after that time.
        max_files: Most files in the form. Where it is one, the body may also be the file itself.
    """

    memory: UploadMemory
    max_body_bytes: int
    grace_seconds: float
    bytes_per_second: int
    max_files: int = 1


def is_photo(content_type: str) -> bool:
    """Say whether a body of this Content-Type is a file itself: an image, or bytes of no declared kind."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("image/") or kind == "application/octet-stream"


async def read_files(
    receive: Receive, headers: Mapping[str, str], limits: UploadLimits, memory: UploadShare
) -> list[UploadedFile]:
    """Read the fields ``file`` of a multipart body, or the body that is a file itself.

    What is wrong with the form is said only at the end: a body that is too large or too slow is called that first.

    Args:
        receive: ASGI's callable for the next part of the body.
        headers: Of the request.
        limits: Of the body, and how many files there may be; a single one may not be empty.
        memory: Grows with what is read.

    Returns:
        The files, at least one.

    Raises:
        BodyTooLarge: More bytes than allowed.
        UploadTimeout: They came too slowly.
        ClientGone: The client disconnected.
        EncodedBody: The body is compressed.
        MalformedUpload: This is neither a photo nor a multipart form, or has other files than allowed.
        TooManyConcurrent: The uploads of all requests take more memory than they may.
    """
    if int(headers.get("content-length") or 0) > limits.max_body_bytes:
        raise BodyTooLarge(limits.max_body_bytes)
    content_type = headers.get("content-type", "")
    boundary = boundary_of(content_type)
    is_file = limits.max_files == 1 and is_photo(content_type)
    body = bytearray()  # one growing buffer, not a list of pieces: the allocator gives a large buffer back whole
    started = asyncio.get_running_loop().time()
    received = 0
    try:
        async with asyncio.timeout_at(started + limits.grace_seconds) as deadline:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk: bytes = message.get("body", b"")
                more = message.get("more_body", False)
                received += len(chunk)
                if received > limits.max_body_bytes:
                    raise BodyTooLarge(limits.max_body_bytes)
                if is_file or boundary is not None:
                    memory.grow(len(chunk))
                    body += chunk
                if more:
                    deadline.reschedule(started + limits.grace_seconds + received / limits.bytes_per_second)
    except TimeoutError as exc:
        raise UploadTimeout(received, asyncio.get_running_loop().time() - started) from exc
    encoding = headers.get("content-encoding", "identity").strip()
    if encoding.lower() not in ("", "identity"):
        raise EncodedBody(encoding)
    if not is_file:
        return files_of(body, boundary, limits.max_files)
    if not body:
        raise MalformedUpload("The body is empty.")
    return [UploadedFile(None, bytes(body))]
