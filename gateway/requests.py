"""What the gateway keeps about a request while it is served."""

import re
import secrets
import time
from dataclasses import dataclass, field

from starlette.types import Scope

_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_KEY = "gateway.request"


@dataclass(slots=True)
class RequestContext:
    """The request's id, its start (seconds of `time.perf_counter`), and what the log line will say."""

    id: str
    started: float = field(default_factory=time.perf_counter)
    facts: dict[str, object] = field(default_factory=dict)


def open_context(scope: Scope) -> RequestContext:
    """Begins a request: with the id it brings in X-Request-ID where that is sane, else with a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    context = RequestContext(given.decode() if _SANE.fullmatch(given) else secrets.token_hex(8))
    scope[_KEY] = context
    return context


def context_of(scope: Scope) -> RequestContext:
    """The context that `open_context` made."""
    context = scope[_KEY]
    assert isinstance(context, RequestContext)
    return context
