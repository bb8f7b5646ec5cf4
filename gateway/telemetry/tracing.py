"""Traces, where someone wants them; else the caller's trace context only passes through to Triton."""

import re
from contextlib import AbstractContextManager, nullcontext

from starlette.types import Scope

from gateway.http.context import RequestContext
from gateway.triton.channel import outgoing_trace

# W3C Trace Context: version, trace, parent and flags; a list of printable characters.
_FORMS = {
    b"traceparent": re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
    b"tracestate": re.compile(rb"[\x21-\x7e][\x20-\x7e]{0,511}"),
}
_NOTHING = nullcontext()


class PassThrough:
    """Makes no traces of its own."""

    def request(self, scope: Scope, context: RequestContext) -> AbstractContextManager[None]:
        """Hand on what the client sent, where it has the form: gRPC raises an error for bytes that it cannot send."""
        incoming = {
            name.decode(): value.decode()
            for name, value in scope["headers"]
            if name in _FORMS and _FORMS[name].fullmatch(value)
        }
        outgoing_trace.set(incoming if "traceparent" in incoming else None)
        return _NOTHING

    def close(self) -> None:
        """Do nothing."""
