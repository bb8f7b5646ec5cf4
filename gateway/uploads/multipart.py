"""Collects the files out of a multipart form, piece by piece."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.errors import MalformedUpload

HOW_TO = "Send multipart/form-data with one file in the field `file`, as `curl -F file=@photo.jpg` does."

_FIELD = b"file"
_MAX_OTHER_PARTS = 15
_MAX_PART_HEADERS = 16
_MAX_PART_HEADER_BYTES = 4096


class FileForm:
    """The fields `file` of a multipart body; all other fields are dropped.

    What is wrong with the form is said only at the end, by `contents`: until then the body may turn out to be too
    large or too slow, which come first.
    """

    def __init__(self, content_type: str, max_files: int) -> None:
        self._max_files = max_files
        # One growing buffer a file, not a list of pieces: the allocator gives a large buffer back whole.
        self._files: list[bytearray] = []
        self._wrong: str | None = None  # not an error, whose traceback would keep the body alive
        self._parts = 0
        self._in_file = self._ended = False
        self._header_name = self._header_value = self._disposition = b""
        self._parser: MultipartParser | None = None
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            self._give_up("The body is no multipart form with a boundary.")
            return
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
        except FormParserError:
            self._give_up("The boundary of the multipart form is too long.")

    @property
    def is_open(self) -> bool:
        """Whether more of the body is of interest: no error was found, and the closing boundary not yet."""
        return self._parser is not None and not self._ended

    def write(self, chunk: bytes) -> None:
        """Takes the next bytes of the body."""
        if self._parser is None:
            return
        try:
            self._parser.write(chunk)
        except FormParserError:
            self._give_up(self._wrong or "The multipart form is malformed.")

    def contents(self) -> list[bytes]:
        """The files, once the body has ended. Raises `MalformedUpload` for all that was wrong with it."""
        if self._wrong is None and not self._ended:
            self._give_up("The multipart form ends before its closing boundary.")
        elif self._wrong is None and not self._files:
            self._give_up("The form has no field `file`.")
        if self._wrong is not None:
            raise MalformedUpload(f"{self._wrong} {HOW_TO}")
        contents = []
        for buffer in self._files:
            contents.append(bytes(buffer))
            buffer.clear()
        return contents

    def close(self) -> None:
        """Drops everything. The parser and its callbacks hold each other, so nothing would go by itself."""
        self._parser = None
        self._files = []

    def _give_up(self, why: str) -> None:
        self._wrong = why
        self.close()

    def _stop(self, why: str) -> None:
        self._wrong = why
        raise FormParserError(why)

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > (most := _MAX_OTHER_PARTS + self._max_files):
            self._stop(f"The form has more than {most} parts.")
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
                self._stop(f"The form has {self._too_many()} `file`.")
            self._files.append(bytearray())

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._files[-1] += memoryview(data)[start:end]

    def _on_end(self) -> None:
        self._ended = True

    def _too_many(self) -> str:
        return "two fields" if self._max_files == 1 else f"more than {self._max_files} fields"
