"""Reads the files of a multipart upload while it streams in: bounded in bytes, parts and time, never on disk."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.admission import UploadShare
from gateway.errors import BodyTooLarge, ClientGone, MalformedUpload, UploadError, UploadTimeout

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_FIELD = b"file"
_MAX_OTHER_PARTS = 15
_MAX_PART_HEADERS = 16
_MAX_PART_HEADER_BYTES = 4096
_HOW_TO = "Send multipart/form-data with one file in the field `file`, as `curl -F file=@photo.jpg` does."


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
        raise MalformedUpload(f"The field `file` is empty. {_HOW_TO}")
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
    wrong: UploadError | None = None
    form: _FileForm | None = None
    try:
        form = _FileForm(headers.get("content-type", ""), limits.max_files)
    except MalformedUpload as error:
        wrong = error
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
                if form is not None and wrong is None:
                    memory.grow(len(chunk))
                    try:
                        form.write(chunk)
                    except MalformedUpload as error:
                        wrong = error
                if more:
                    deadline.reschedule(started + limits.grace_seconds + received / limits.bytes_per_second)
    except TimeoutError as error:
        raise UploadTimeout(received, asyncio.get_running_loop().time() - started) from error
    if wrong is not None:
        raise wrong
    assert form is not None
    return form.contents()


class _FileForm:
    """Collects the fields `file` out of a streamed multipart body and drops all others."""

    def __init__(self, content_type: str, max_files: int) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise MalformedUpload(f"The body is no multipart form with a boundary. {_HOW_TO}")
        self._files: list[list[bytes]] = []
        self._max_files = max_files
        self._parts = 0
        self._in_file = self._ended = False
        self._header_name = self._header_value = self._disposition = b""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
                max_header_count=_MAX_PART_HEADERS,
                max_header_size=_MAX_PART_HEADER_BYTES,
            )
        except FormParserError as error:
            raise MalformedUpload(f"The boundary of the multipart form is too long. {_HOW_TO}") from error

    def write(self, chunk: bytes) -> None:
        """Feeds the next bytes of the body. Raises `MalformedUpload`."""
        if self._ended:
            return  # an epilogue, which RFC 2046 lets readers ignore
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedUpload(f"The multipart form is malformed. {_HOW_TO}") from error

    def contents(self) -> list[bytes]:
        """The files, once the body has ended. Raises `MalformedUpload` where there is none or it is not finished."""
        if not self._ended:
            raise MalformedUpload(f"The multipart form ends before its closing boundary. {_HOW_TO}")
        if not self._files:
            raise MalformedUpload(f"The form has no field `file`. {_HOW_TO}")
        return [pieces[0] if len(pieces) == 1 else b"".join(pieces) for pieces in self._files]

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > (most := _MAX_OTHER_PARTS + self._max_files):
            raise MalformedUpload(f"The form has more than {most} parts. {_HOW_TO}")
        self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._in_file = options.get(b"name") == _FIELD
        if self._in_file:
            if len(self._files) == self._max_files:
                one = "two fields" if self._max_files == 1 else f"more than {self._max_files} fields"
                raise MalformedUpload(f"The form has {one} `file`. {_HOW_TO}")
            self._files.append([])

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._files[-1].append(data[start:end])

    def _on_end(self) -> None:
        self._ended = True
