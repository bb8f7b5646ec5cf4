"""The HTTP protocol of uvicorn with bounds it lacks, and problem documents where it answers by itself."""

import asyncio
from typing import Any, ClassVar, NamedTuple, cast

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.http.context import context_of, new_request_id, open_context
from gateway.http.problems import problem
from gateway.settings import Settings

_CLOSE_AFTER_SECONDS = 2.0
_UPGRADE_TOKENS = frozenset((b"upgrade", b"http2-settings"))
_MAX_PIPELINED = 64  # requests of one connection that wait for the one before them; each takes some kilobytes


class _Refusal(NamedTuple):
    status: int
    title: str
    detail: str


_MALFORMED = _Refusal(400, "Malformed HTTP", "What was sent is no HTTP request. Use an HTTP client.")
_TOO_SLOW = _Refusal(408, "Request too slow", "The headers did not arrive in time. Send the request again.")
_TOO_LARGE = _Refusal(431, "Headers too large", "Send a shorter request line, and fewer or shorter headers.")
_TOO_MANY = _Refusal(503, "Too many connections", "Open fewer connections, or try again later.")
_TOO_DEEP = _Refusal(429, "Too many concurrent requests", "Wait for answers before you send more over one connection.")


class BoundedProtocol(HttpToolsProtocol):
    """Bounds the time and size of a request's head (request line and headers) and the number of connections.

    Its answers come before there is a request for the application, so they are rows of their own beside the table
    of the contract: 400 for what is no HTTP, 408, 431, 429 for too long a pipeline, and 503 for a connection too many.
    A client that closes its sending side counts as gone, as with most servers.
    """

    settings: ClassVar[Settings]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_ended = False  # in the bytes that were read last
        self._head_timer: asyncio.TimerHandle | None = None
        self._unparsed_bytes = 0  # of a head that goes on over several reads: the parser keeps them
        self._head_bytes = 0  # of the parsed request line and headers
        self._refusal: _Refusal | None = None
        self._refused = False
        self._cycles: list[RequestResponseCycle] = []  # requests that are not answered yet

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse a connection too many; else begin to wait for a head."""
        super().connection_made(transport)
        if len(self.connections) > self.settings.max_connections:
            self._refuse(_TOO_MANY)
        else:
            self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer, and tell all requests that the client has gone; uvicorn tells the last one only."""
        self._stop_head_timer()
        self._disconnect()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count the bytes of a head that has not ended yet."""
        if self._refused:
            return
        was_in_head, self._head_ended = self._in_head, False
        self._unset_keepalive_if_required()
        self._parse(data)
        if was_in_head and self._in_head and not self._head_ended and not self._refused:
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > self.settings.max_header_bytes:
                self._refuse(_TOO_LARGE)

    def _parse(self, data: bytes) -> None:
        rest = data
        while True:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as exc:
                if not self._asks_for_upgrade():  # CONNECT
                    self._give_up_parsing()
                    return
                rest = self._head_without_upgrade() + rest[exc.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            except httptools.HttpParserError:
                self._give_up_parsing()
                return
            else:
                return

    def _asks_for_upgrade(self) -> bool:
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

    def _head_without_upgrade(self) -> bytes:
        """Write the head that was parsed once more, to be parsed as if it did not ask for an upgrade.

        A server may ignore Upgrade (RFC 9110, section 7.8). httptools stops to parse at it, and drops the body.
        """
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                value = b", ".join(token for token in tokens if token.lower() not in _UPGRADE_TOKENS) or b"keep-alive"
            if name not in _UPGRADE_TOKENS:
                lines.append(name + b": " + value)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def on_message_begin(self) -> None:
        """Count anew for each request of a connection that is kept alive."""
        super().on_message_begin()
        self._head_bytes = 0
        if self._head_timer is None:
            self._start_head_timer()

    def on_url(self, url: bytes) -> None:
        """Count the request line in."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count each header, also those behind a chunked body."""
        self._count(len(name) + len(value))
        if len(self.headers) >= self.settings.max_header_count:
            self._give_up(_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that the head has come in time, and begin the context of the request."""
        if self._asks_for_upgrade():
            return  # the same head comes again without it
        self._stop_head_timer()
        self._in_head = False
        self._head_ended = True
        self._unparsed_bytes = 0
        if len(self.pipeline) >= _MAX_PIPELINED:
            self._give_up(_TOO_DEEP)
        super().on_headers_complete()
        open_context(cast(Scope, self.cycle.scope), self.flow.resume_reading)
        self._cycles = [cycle for cycle in self._cycles if not cycle.response_complete] + [self.cycle]

    def on_message_complete(self) -> None:
        """Expect another head."""
        if self._asks_for_upgrade():
            return
        self._in_head = True
        super().on_message_complete()

    def _give_up_parsing(self) -> None:
        """Answer what could not be parsed, or where this class gave up."""
        self._refuse(self._refusal or _MALFORMED)

    def _disconnect(self) -> bool:
        """Tell the application that the client has gone, and say whether an answer was on its way."""
        waiting = [cycle for cycle in self._cycles if not cycle.response_complete]
        for cycle in waiting:
            cycle.disconnected = True
            cycle.message_event.set()
            context_of(cast(Scope, cycle.scope)).disconnect()
        return any(cycle.response_started for cycle in waiting)

    def _count(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > self.settings.max_header_bytes:
            self._give_up(_TOO_LARGE)

    def _give_up(self, refusal: _Refusal) -> None:
        self._refusal = refusal
        raise httptools.HttpParserError(refusal.title)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.settings.header_seconds, self._refuse, _TOO_SLOW)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, refusal: _Refusal) -> None:
        self._refused = True
        self._stop_head_timer()
        if self._disconnect():
            self.transport.close()
            return
        if self.transport.is_closing():
            return
        headers = {"Retry-After": str(self.settings.retry_after_seconds)} if refusal.status in (429, 503) else {}
        response = problem(*refusal, new_request_id(), headers)
        lines = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
        self.transport.write(STATUS_LINE[refusal.status] + lines + b"connection: close\r\n\r\n" + bytes(response.body))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        # A socket that is closed while unread bytes wait in it is reset, and the answer lost.
        self.loop.call_later(_CLOSE_AFTER_SECONDS, self.transport.close)


def protocol_for(settings: Settings) -> type[BoundedProtocol]:
    """Make the class of which uvicorn makes one for each connection."""
    return type("ConfiguredProtocol", (BoundedProtocol,), {"settings": settings})
