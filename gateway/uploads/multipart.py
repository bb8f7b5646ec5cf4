"""Finds the files in a multipart form (RFC 7578 and RFC 2046, section 5.1).

Written here because the parsers at hand refuse what RFC 2046 allows and clients send: a preamble, blanks behind a
boundary, lines that end with LF alone. The body is in memory as a whole, so a few searches find all of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import MalformedUpload

_FIELD = "file"
_MAX_OTHER_PARTS = 15
_MAX_PART_HEADERS = 16
_MAX_PART_HEADER_BYTES = 4096
_MAX_BOUNDARY_LENGTH = 200
_MAX_NEAR_BOUNDARIES = 1000  # lines that only begin like a boundary: each costs a look
_MAX_NAME_LENGTH = 255  # of a file, as file systems have it: names are sent back in batches
_PARAMETER = re.compile(r""";\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))""")
_END_OF_LINE = re.compile(rb"[ \t]*(\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as it came; the name is what the client calls it, None where it does not say."""

    name: str | None
    content: bytes


class _FormError(Exception):
    """The body is no form; the text says why."""


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary that the header Content-Type of a multipart form names; None where it is no such header."""
    kind, _, _ = content_type.partition(";")
    boundary = _parameters(content_type).get("boundary", "")
    if kind.strip().lower() != "multipart/form-data" or not 0 < len(boundary) <= _MAX_BOUNDARY_LENGTH:
        return None
    return boundary.encode("latin-1")


def files_of(body: bytes | bytearray, boundary: bytes | None, max_files: int) -> list[UploadedFile]:
    """Return the fields ``file``; all other fields are dropped.

    Args:
        body: The whole body of the request.
        boundary: As ``boundary_of`` returns it.
        max_files: Most files that there may be; a single one may not be empty.

    Raises:
        MalformedUpload: This is no multipart form, or it has no file, or too many.
    """
    try:
        return _files_of(body, boundary, max_files)
    except _FormError as exc:
        raise MalformedUpload(str(exc), max_files) from exc


def _files_of(body: bytes | bytearray, boundary: bytes | None, max_files: int) -> list[UploadedFile]:
    if boundary is None:
        raise _FormError("The body is no multipart form with a boundary, or with one of more than 200 letters.")
    files: list[UploadedFile] = []
    view = memoryview(body)
    for number, (disposition, start, end) in enumerate(_parts(body, boundary)):
        if number == _MAX_OTHER_PARTS + max_files:
            raise _FormError(f"The form has more than {number} parts.")
        if disposition.get("name") != _FIELD:
            continue
        if len(files) == max_files:
            too_many = "two fields" if max_files == 1 else f"more than {max_files} fields"
            raise _FormError(f"The form has {too_many} `file`.")
        files.append(UploadedFile(_file_name(disposition), bytes(view[start:end])))
    if not files:
        raise _FormError("The form has no field `file`.")
    if max_files == 1 and not files[0].content:
        raise _FormError("The field `file` is empty.")
    return files


def _file_name(disposition: dict[str, str]) -> str | None:
    """Return the name of a part's file: browsers, curl and libraries send it as UTF-8 (RFC 7578, section 4.2)."""
    name = disposition.get("filename")
    return None if name is None else name.encode("latin-1").decode(errors="replace")[:_MAX_NAME_LENGTH]


def _parts(body: bytes | bytearray, boundary: bytes) -> Iterator[tuple[dict[str, str], int, int]]:
    """Yield the disposition of each part, and where its content starts and ends."""
    opening = b"--" + boundary
    at = 0 if body.startswith(opening) else body.find(b"\n" + opening) + 1  # a preamble may stand before the first one
    ended = _END_OF_LINE.match(body, at + len(opening)) if at or body.startswith(opening) else None
    if ended is None and body[at : at + len(opening) + 2] == opening + b"--":
        return
    if ended is None or not ended[1]:
        raise _FormError("The multipart form is malformed: it has no line with its boundary.")
    newline = ended[1]  # the form's kind of line end, LF alone or CR and LF
    at = ended.end()
    closed = False
    while not closed:
        disposition, start = _head(body, at, newline)
        end, at, closed = _next_boundary(body, start - len(newline), newline + opening)
        yield disposition, start, max(start, end)


def _head(body: bytes | bytearray, at: int, newline: bytes) -> tuple[dict[str, str], int]:
    """Read the headers of a part: return the parameters of its disposition, and where its content starts."""
    disposition: dict[str, str] = {}
    for _ in range(_MAX_PART_HEADERS + 1):
        end = body.find(newline, at, at + _MAX_PART_HEADER_BYTES)
        if end < 0:
            break
        line = body[at:end].decode("latin-1")
        at = end + len(newline)
        if not line:
            return disposition, at
        field, colon, value = line.partition(":")
        if not colon:
            break
        if field.strip().lower() == "content-disposition":
            disposition = _parameters(value)
    raise _FormError("The headers of a part are malformed, cut off, too many or too long.")


def _next_boundary(body: bytes | bytearray, at: int, delimiter: bytes) -> tuple[int, int, bool]:
    """Return where the content ends, where the next part begins, and whether the boundary is the closing one."""
    for _ in range(_MAX_NEAR_BOUNDARIES):
        end = body.find(delimiter, at)
        if end < 0:
            raise _FormError("The multipart form ends before its closing boundary.")
        at = end + len(delimiter)
        if body[at : at + 2] == b"--":
            return end, at + 2, True
        if (ended := _END_OF_LINE.match(body, at)) and ended[1]:
            return end, ended.end(), False
    raise _FormError("The multipart form has a boundary that its content has too.")


def _parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header such as ``form-data; name="file"``."""
    found = (match.groups("") for match in _PARAMETER.finditer(header))
    return {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in found}
