"""Multipart forms: refused by ``MalformedUpload`` alone, and split as python-multipart splits them.

An input is a Content-Type, the end of a line, and a body. For any of them:

- nothing is raised but a ``MalformedUpload``;
- the files lie in the body, and are as many as allowed;
- where python-multipart takes the whole form, its fields ``file`` are the same;
- a piece of the body a thousand times over takes no time to speak of.
"""

import logging
import re
import time
from collections.abc import Iterator
from typing import Any

from python_multipart.exceptions import ParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.errors import MalformedUpload
from gateway.uploads.multipart import boundary_of, files_of

MAX_BYTES = 4096
_MOST_FILES = 32
_LONG = 4 << 20
_CPU_SECONDS = 2.0
_HEAD = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
_PLAIN = re.compile(rb"""\s*form-data(; (file)?name="[^"\\\r\n]*")*\s*""")


def seeds() -> Iterator[bytes]:
    """Yield forms as clients write them, and some that only RFC 2046 allows."""
    kind = b"multipart/form-data; boundary=XX\n"
    part = b"--XX\r\n" + _HEAD + b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--X\r\n"
    other = b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
    for body in (
        part + b"\r\n--XX--\r\n",
        other + part + b"\r\n" + other + b"--XX--",
        part + b"\r\n" + part + b"\r\n--XX--\r\nepilogue",
        b"preamble\r\n" + part + b"\r\n--XX  \t\r\n" + other[6:] + b"--XX--\r\n",
        (part + b"\r\n--XX--\r\n").replace(b"\r\n", b"\n"),
        b"--XX--\r\n",
        part[:40],
    ):
        yield kind + body
    quoted = b'multipart/form-data; charset=utf-8; boundary="a b\\"c"\n'
    yield quoted + b'--a b"c\r\n' + _HEAD + b'\r\nx\r\n--a b"c--\r\n'
    yield b"text/plain\nabc"


def mutate(data: bytes, mutated: bytes, seed: int) -> bytes:
    """Return libFuzzer's mutation."""
    return mutated


class Target:
    """Checks one input after the other."""

    def __init__(self) -> None:
        logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
        self._count = 0

    def __call__(self, data: bytes) -> None:
        """Check one form.

        Raises:
            AssertionError: one of the rules of this module does not hold.
            Exception: what the code under test raised, and may not.
        """
        head, _, body = data.partition(b"\n")
        boundary = boundary_of(head.decode("latin-1"))
        found: list[bytes] | None = None
        for most in (1, _MOST_FILES):
            found = _files(body, boundary, most)
            if found is not None:
                assert 1 <= len(found) <= most
                assert all(file in body for file in found)
                assert most > 1 or found[0]
        if boundary is None:
            return
        expected = _by_python_multipart(body, boundary)
        if expected is not None and 1 <= len(expected) <= _MOST_FILES:
            assert found == expected, "python-multipart splits the form otherwise"
        self._count += 1
        if self._count % 64 == 1:
            _check_time(body, boundary)


def _files(body: bytes, boundary: bytes | None, most: int) -> list[bytes] | None:
    try:
        return [file.content for file in files_of(body, boundary, most)]
    except MalformedUpload:
        return None


def _check_time(body: bytes, boundary: bytes) -> None:
    for piece in (body, body[len(body) // 3 :], body[: len(body) // 2]):
        long = body + piece * (_LONG // max(len(piece), 1))
        began = time.process_time()
        _files(long, boundary, _MOST_FILES)
        assert time.process_time() - began < _CPU_SECONDS, "a repeated piece takes too long"


def _by_python_multipart(body: bytes, boundary: bytes) -> list[bytes] | None:
    """Return the fields ``file``, or None where the form is refused or has no end."""
    parts: list[tuple[dict[bytes, bytes], bytearray]] = []
    header = [bytearray(), bytearray()]
    ended: list[bool] = []

    def end_of_header() -> None:
        parts[-1][0][bytes(header[0]).strip().lower()] = bytes(header[1])
        header[0].clear()
        header[1].clear()

    callbacks: Any = {
        "on_part_begin": lambda: parts.append(({}, bytearray())),
        "on_part_data": lambda data, start, end: parts[-1][1].extend(data[start:end]),
        "on_header_field": lambda data, start, end: header[0].extend(data[start:end]),
        "on_header_value": lambda data, start, end: header[1].extend(data[start:end]),
        "on_header_end": end_of_header,
        "on_end": lambda: ended.append(True),
    }
    try:
        parser = MultipartParser(boundary, callbacks)
        parser.write(body)
        parser.finalize()
    except (ParseError, ValueError):
        return None
    # An empty part may end with the line end of its headers, by RFC 2046; python-multipart takes one more.
    if not ended or any(content.startswith(b"--" + boundary) for _, content in parts):
        return None
    files = []
    for headers, content in parts:
        disposition = headers.get(b"content-disposition", b"form-data")
        if not _PLAIN.fullmatch(disposition):  # no client writes it, and each parser makes something else of it
            return None
        _, options = parse_options_header(disposition)
        if options.get(b"name") == b"file":
            files.append(bytes(content))
    return files
