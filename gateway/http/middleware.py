"""Around every request: its id, the API key, a problem document for each error, a log line and the metrics."""

import time
from contextlib import AbstractContextManager
from typing import Protocol

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import GatewayError
from gateway.http.auth import KeyCheck
from gateway.http.context import RequestContext, context_of
from gateway.http.lingering_close import LingeringExchange
from gateway.http.problems import problem_of

log = structlog.get_logger("gateway.request")

# Asked every few seconds by probes: neither counted nor logged.
_QUIET_PREFIXES = ("/health/", "/metrics")
# Headers that keep browsers from doing more with an answer than they should.
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_POLICY = b"content-security-policy"
# Answers are data: a browser that is shown one as a page may load and run nothing. Pages bring their own policy.
_NOTHING = b"default-src 'none'; frame-ancestors 'none'"
# What pages of other origins may read and send.
_READABLE = ("X-Request-ID", "Server-Timing", "X-Model-Version", "X-Confidence", "X-Explained-Class", "Retry-After")
_SENDABLE = ("X-API-Key", "Authorization", "X-Request-ID", "X-Request-Timeout", "traceparent", "tracestate")


class Metrics(Protocol):
    """Counts requests. ``gateway.telemetry.metrics`` has the real one."""

    def observe(self, context: RequestContext, status: int) -> None:
        """Count a request that has ended with this status."""
        ...


class Tracing(Protocol):
    """Traces requests. ``gateway.telemetry.tracing`` and ``gateway.telemetry.otel`` have the real ones."""

    def request(self, scope: Scope, context: RequestContext) -> AbstractContextManager[None]:
        """Surround a request; inside the block is known which trace context goes on to Triton."""
        ...


class RequestMiddleware:
    """The outermost layer but CORS. Plain ASGI: it costs microseconds and does not buffer."""

    def __init__(
        self, app: ASGIApp, keys: KeyCheck, metrics: Metrics, tracing: Tracing, retry_after_seconds: int
    ) -> None:
        self._app = app
        self._keys = keys
        self._metrics = metrics
        self._tracing = tracing
        self._retry_after_seconds = retry_after_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on what is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = context_of(scope)
        exchange = LingeringExchange(scope, receive, send)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", context.id.encode()))
                _add_security_headers(message["headers"])
            await exchange.send(message)

        try:
            with self._tracing.request(scope, context):
                try:
                    self._keys.check(scope)
                    await self._app(scope, exchange.receive, send_with_headers)
                except Exception as exc:
                    context.error = exc
                    if not isinstance(exc, GatewayError):
                        log.exception("fault", request_id=context.id)
                    if status:
                        raise
                    response = problem_of(exc, context.id, self._retry_after_seconds)
                    await response(scope, exchange.receive, send_with_headers)
                finally:
                    self._ended(context, status)
        finally:
            # Its traceback leads back to here, and would keep the upload alive until the garbage collector comes.
            context.error = None

    def _ended(self, context: RequestContext, status: int) -> None:
        if context.path.startswith(_QUIET_PREFIXES):
            return
        self._metrics.observe(context, status)
        answer = context.answer
        facts = {
            "model": context.model_type,
            "model_version": answer.model_version if answer else None,
            "bytes": context.upload_bytes,
            "format": answer.image.format if answer else None,
            "pred_class": answer.pred_class if answer else None,
            "confidence": round(answer.confidence, 4) if answer else None,
        }
        log.info(
            "request",
            request_id=context.id,
            method=context.method,
            path=context.path[:200],
            status=status,
            outcome=context.outcome(status),
            milliseconds=round((time.perf_counter() - context.started) * 1000, 1),
            **{name: value for name, value in facts.items() if value is not None},
        )


def _add_security_headers(headers: list[tuple[bytes, bytes]]) -> None:
    """Add them to a response's headers; keep a policy that the response has already."""
    headers.extend(_SECURITY_HEADERS)
    if not any(name == _POLICY for name, _ in headers):
        headers.append((_POLICY, _NOTHING))


def allow_origins(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Add the layer around all others, so that preflights need no key and problems can be read."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=list(_SENDABLE),
        expose_headers=list(_READABLE),
    )
