"""What the gateway keeps about a request while it is served; the log line and the metrics are made of it."""

import re
import secrets
import time
from dataclasses import dataclass, field

from starlette.types import Scope

from gateway.errors import GatewayError
from gateway.inference.types import Answer

_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_KEY = "gateway.request"


@dataclass(slots=True)
class RequestContext:
    """One request: its id, its start (seconds of `time.perf_counter`), and what is known of it so far."""

    id: str
    method: str
    path: str
    started: float = field(default_factory=time.perf_counter)
    model_type: str | None = None
    upload_bytes: int | None = None
    upload_seconds: float | None = None
    answer: Answer | None = None
    batch: list[Answer | GatewayError] = field(default_factory=list)
    error: Exception | None = None


def new_request_id() -> str:
    """Sixteen random hexadecimal digits."""
    return secrets.token_hex(8)


def open_context(scope: Scope) -> RequestContext:
    """Begins a request: with the id it brings in X-Request-ID where that is sane, else with a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    request_id = given.decode() if _SANE.fullmatch(given) else new_request_id()
    context = scope[_KEY] = RequestContext(request_id, scope["method"], scope["path"])
    return context


def context_of(scope: Scope) -> RequestContext:
    """The context that `open_context` made."""
    context = scope[_KEY]
    assert isinstance(context, RequestContext)
    return context
