"""Traces, where someone wants them; else the caller's trace context only passes through to Triton."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from starlette.types import Scope

from gateway.requests import RequestContext
from gateway.tracecontext import outgoing_trace

_NAMES = (b"traceparent", b"tracestate")


class Tracing(Protocol):
    """Surrounds each request."""

    def request(self, scope: Scope, context: RequestContext) -> AbstractContextManager[None]:
        """Sets what `gateway.tracecontext.outgoing_trace` says inside the block."""
        ...

    def close(self) -> None:
        """Sends what is left."""
        ...


class PassThrough:
    """Makes no traces of its own."""

    @contextmanager
    def request(self, scope: Scope, context: RequestContext) -> Iterator[None]:
        """Hands on what the client sent."""
        incoming = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _NAMES}
        outgoing_trace.set(incoming or None)
        yield

    def close(self) -> None:
        """Nothing to do."""
