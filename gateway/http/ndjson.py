"""Answers that are written line by line while they come: newline-delimited JSON."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.errors import ClientGone
from gateway.http.context import context_of

MEDIA_TYPE: Final = "application/x-ndjson"
WriteLine = Callable[[Mapping[str, Any]], Awaitable[None]]


def prefers_ndjson(accept: str) -> bool:
    """Say whether a header Accept names NDJSON, and JSON no more than it; a wildcard does not ask for lines."""
    quality = dict(map(_media_range, accept.split(",")))
    return quality.get(MEDIA_TYPE, 0) > 0 and quality[MEDIA_TYPE] >= quality.get("application/json", 0)


def _media_range(text: str) -> tuple[str, float]:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    try:
        return kind, float(next((part[2:] for part in parameters if part.startswith("q=")), 1))
    except ValueError:
        return kind, 0


class NdjsonResponse(Response):
    """A response whose lines a function writes; an error before the first of them still becomes a problem document."""

    media_type = MEDIA_TYPE

    def __init__(self, write_all: Callable[[WriteLine], Awaitable[None]]) -> None:
        """Prepare: nothing is written yet.

        Args:
            write_all: Writes every line. It runs in the task of the request.
        """
        # Not the base's: that would announce a body of no bytes. The header is for nginx, which would keep lines back.
        self.status_code, self.background, self._write_all = 200, None, write_all
        self.init_headers({"X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the lines, then the end."""
        started = False

        async def write(line: Mapping[str, Any]) -> None:
            nonlocal started
            if not started:
                started = True
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            body = orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
            await send({"type": "http.response.body", "body": body, "more_body": True})

        try:
            await self._write_all(write)
        except ClientGone as exc:
            if not started:
                raise
            context_of(scope).error = exc
            return
        await send({"type": "http.response.body", "body": b""})
