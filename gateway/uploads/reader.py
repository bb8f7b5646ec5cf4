"""Reads the files of a multipart upload while it streams in: bounded in bytes, parts and time, never on disk."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import BodyTooLarge, ClientGone, MalformedUpload, UploadTimeout
from gateway.uploads.admission import UploadShare
from gateway.uploads.multipart import HOW_TO, FileForm

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Bounds of one upload: bytes of the body, seconds that any upload has, bytes that earn one second more, files."""

    max_body_bytes: int
    grace_seconds: float
    bytes_per_second: int
    max_files: int = 1


async def read_upload(receive: Receive, headers: Mapping[str, str], limits: UploadLimits, memory: UploadShare) -> bytes:
    """The bytes of the one field `file`, which may not be empty. Raises what `read_uploads` raises."""
    (content,) = await read_uploads(receive, headers, limits, memory)
    if not content:
        raise MalformedUpload(f"The field `file` is empty. {HOW_TO}")
    return content


async def read_uploads(
    receive: Receive, headers: Mapping[str, str], limits: UploadLimits, memory: UploadShare
) -> list[bytes]:
    """The bytes of each field `file`: one at least, `limits.max_files` at most.

    A form that is wrong from the start is still counted to its end, so that a body that is too large or too slow is
    called that. Raises `BodyTooLarge`, `UploadTimeout`, `ClientGone` or `MalformedUpload`, and `TooManyInFlight` where
    the uploads of all requests take more `memory` than they may.
    """
    if int(headers.get("content-length") or 0) > limits.max_body_bytes:
        raise BodyTooLarge(limits.max_body_bytes)
    form = FileForm(headers.get("content-type", ""), limits.max_files)
    try:
        await _receive_into(form, receive, limits, memory)
        return form.contents()
    finally:
        form.close()


async def _receive_into(form: FileForm, receive: Receive, limits: UploadLimits, memory: UploadShare) -> None:
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
                if form.is_open:
                    memory.grow(len(chunk))
                    form.write(chunk)
                if more:
                    deadline.reschedule(started + limits.grace_seconds + received / limits.bytes_per_second)
    except TimeoutError as error:
        raise UploadTimeout(received, asyncio.get_running_loop().time() - started) from error
