"""Which pages of other origins may call the gateway from a browser."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

_READABLE = ("X-Request-ID", "Server-Timing", "X-Model-Version", "X-Confidence", "X-Explained-Class", "Retry-After")
_SENDABLE = ("X-API-Key", "Authorization", "X-Request-ID", "X-Request-Timeout", "traceparent", "tracestate")


def allow_origins(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Adds the layer around all others, so that preflights need no key and problems can be read."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=list(_SENDABLE),
        expose_headers=list(_READABLE),
    )
