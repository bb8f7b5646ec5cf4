"""What is known of a request while it is served: the log line, the metrics and the traces are made of it."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import Scope

from gateway.errors import GatewayError
from gateway.inference.types import Answer

_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ROUTER_OUTCOMES = {404: "unknown_path", 405: "wrong_method"}
_KEY = "gateway.context"


def _reads_on() -> None:
    """Do nothing: the connection of a request without the gateway's own protocol is never paused."""


@dataclass(slots=True)
class RequestContext:
    """One request.

    Attributes:
        id: Taken from X-Request-ID where that is sane, else made.
        started: When its headers had arrived, in seconds of ``time.perf_counter``.
        disconnected: Set when the client closes the connection before it has the answer.
        resume_reading: Has the connection read again where a large body has paused that. The end of a connection
            that nobody reads is never seen.
        work: What ends when the client disconnects.
        model_version: What answered, where it is one version.
        answer: The answer to one image; ``batch`` has those to many.
        error: What ended the request.
    """

    id: str
    method: str
    path: str
    resume_reading: Callable[[], None] = _reads_on
    started: float = field(default_factory=time.perf_counter)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Timeout | None = None
    model_type: str | None = None
    upload_bytes: int | None = None
    upload_seconds: float | None = None
    model_version: str = ""
    answer: Answer | None = None
    batch: list[Answer | GatewayError] = field(default_factory=list)
    error: Exception | None = None

    def disconnect(self) -> None:
        """Note that the client has closed the connection, and end the work for it."""
        self.disconnected.set()
        if self.work is not None:
            self.work.reschedule(0)

    def outcome(self, status: int) -> str:
        """Say how the request ended: ``ok``, the kind of error in snake case, or what the router said."""
        if self.error is not None:
            return _BETWEEN_WORDS.sub("_", type(self.error).__name__).lower()
        return "ok" if status < 400 else _ROUTER_OUTCOMES.get(status, "refused")


def new_request_id() -> str:
    """Make sixteen random hexadecimal digits."""
    return secrets.token_hex(8)


def open_context(scope: Scope, resume_reading: Callable[[], None] = _reads_on) -> RequestContext:
    """Begin a request: put its context into the ASGI scope."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    request_id = given.decode() if _SANE_ID.fullmatch(given) else new_request_id()
    context = scope[_KEY] = RequestContext(request_id, scope["method"], scope["path"], resume_reading)
    return context


def context_of(scope: Scope) -> RequestContext:
    """Return the context of a request, begun here where another server than the gateway's own has made the scope."""
    context = scope.get(_KEY)
    return context if isinstance(context, RequestContext) else open_context(scope)
