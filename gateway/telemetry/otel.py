"""OpenTelemetry: a span for each request to a model, and Triton's spans below it.

The libraries are an optional dependency group (`otel`) and are imported only where an endpoint is configured.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

from gateway.http.context import RequestContext
from gateway.triton.channel import outgoing_trace


class OpenTelemetry:
    """Continues the caller's trace (W3C `traceparent`) and hands it on to Triton."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": "bin-it-right-gateway"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("gateway")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, scope: Scope, context: RequestContext) -> Iterator[None]:
        """Span the whole request; what went on inside becomes its attributes."""
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = self._propagator.extract(carrier)
        with self._tracer.start_as_current_span(context.method, parent, SpanKind.SERVER) as span:
            outgoing: dict[str, str] = {}
            self._propagator.inject(outgoing)
            outgoing_trace.set(outgoing)
            yield
            span.set_attribute("request.id", context.id)
            if context.model_type is not None:
                span.update_name(f"{context.method} /{context.model_type}/predict")
            if context.error is not None:
                span.set_status(Status(StatusCode.ERROR, type(context.error).__name__))
            answer = context.answer
            if answer is not None:
                span.set_attribute("model.version", answer.model_version)
                span.set_attribute("image.format", answer.image.format)
                span.set_attribute("image.pixels", answer.image.pixels)
                span.set_attribute("stage.upload.seconds", context.upload_seconds or 0.0)
                span.set_attribute("stage.validate.seconds", answer.validate_seconds)
                span.set_attribute("stage.triton.seconds", answer.triton_seconds)

    def close(self) -> None:
        """Send the spans that are left."""
        self._provider.shutdown()


def exporting_to(endpoint: str) -> OpenTelemetry:
    """Make traces that go to an OTLP collector by gRPC."""
    return OpenTelemetry(OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://")))
