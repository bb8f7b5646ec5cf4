"""A small HTTP client that costs little beside the service that it measures on the same machine."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

#: What parts the fields of a form; no photo holds it.
BOUNDARY = b"----bin-it-right"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers (lower case), JSON body, and the seconds from the first byte sent to the last received."""

    status: int
    headers: Mapping[str, str]
    document: Any
    seconds: float


def form(photo: bytes, field: str = "file") -> bytes:
    """Return a multipart body with one file."""
    disposition = f'Content-Disposition: form-data; name="{field}"; filename="photo"'.encode()
    return b"".join((b"--", BOUNDARY, b"\r\n", disposition, b"\r\n\r\n", photo, b"\r\n--", BOUNDARY, b"--\r\n"))


class PhotoClient:
    """Posts bodies over connections that are kept alive; as many at once as there are callers."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port or 80
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for _reader, writer in self._idle:
            writer.close()

    async def get(self, path: str) -> Reply:
        """Ask for a path."""
        return await self._exchange(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())

    async def post(self, path: str, body: bytes) -> Reply:
        """Post a multipart body. Raises OSError or asyncio.IncompleteReadError where no answer comes."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\n\r\n"
        )
        return await self._exchange(head.encode() + body)

    async def _exchange(self, request: bytes) -> Reply:
        began = time.perf_counter()
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
        except BaseException:
            writer.close()
            raise
        if headers.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        document = json.loads(body) if "json" in headers.get("content-type", "") else body.decode()
        return Reply(int(status_line.split()[1]), headers, document, time.perf_counter() - began)
