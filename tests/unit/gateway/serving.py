"""The gateway on a real socket of the loopback address, in the test's own process, and raw bytes to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from gateway.app import create_app
from gateway.http.server import GatewayServer, Lifecycle
from gateway.inference.protocol import Classifier
from gateway.settings import Settings


class _Server(GatewayServer):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the test run keeps its own


@asynccontextmanager
async def serving(classifier: Classifier, **settings: Any) -> AsyncIterator[int]:
    """Serves until the end of the block; gives the port."""
    configured = Settings(port=0, **settings)
    lifecycle = Lifecycle()
    server = _Server(create_app(configured, classifier, lifecycle), configured, lifecycle)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


class Connection:
    """One connection, and the answers that come over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Puts bytes on their way."""
        self.writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers and the JSON body of the next answer."""
        async with asyncio.timeout(20):
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(lines[0].split()[1]), headers, orjson.loads(body)

    async def problem(self, status: int) -> dict[str, Any]:
        """The next answer, which must be a problem document with this status."""
        answered, headers, document = await self.answer()
        assert answered == status, document
        assert headers["content-type"] == "application/problem+json"
        assert document["status"] == status
        assert document["detail"]
        assert document["request_id"]
        return dict(document)

    async def ended(self) -> bool:
        """Waits for the end of the connection; whether nothing else came before it."""
        async with asyncio.timeout(20):
            return await self.reader.read() == b""


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """A connection that is closed at the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def upload(content: bytes, path: str = "/raw/predict", *headers: str) -> bytes:
    """A whole request that uploads a file."""
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="file"; filename="photo"\r\n\r\n' + content + b"\r\n--XX--\r\n"
    )
    lines = [f"POST {path} HTTP/1.1", "Host: gateway", "Content-Type: multipart/form-data; boundary=XX", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body
