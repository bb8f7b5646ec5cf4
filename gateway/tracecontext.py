"""The trace context (W3C) that goes on to Triton with the request at hand."""

from collections.abc import Mapping
from contextvars import ContextVar

# gRPC metadata: `traceparent`, and `tracestate` where there is one. None where nobody traces.
outgoing_trace: ContextVar[Mapping[str, str] | None] = ContextVar("outgoing_trace", default=None)
