"""The ASGI application: settings, admission, classifier, routes and layers, put together."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.http.auth import KeyCheck, describe_keys
from gateway.http.context import context_of
from gateway.http.middleware import RequestMiddleware, allow_origins
from gateway.http.problems import http_problem
from gateway.http.server import Lifecycle
from gateway.images.transcode import Transcoder
from gateway.inference.protocol import Classifier
from gateway.inference.service import ClassifyImage
from gateway.routes.explain import explain_router
from gateway.routes.feedback import feedback_router
from gateway.routes.health import health_router, metrics_router
from gateway.routes.models import models_router
from gateway.routes.predict import predict_router
from gateway.routes.predict_batch import MAX_FILES, predict_batch_router
from gateway.routes.static import static_router
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics, StateCollector
from gateway.telemetry.tracing import PassThrough
from gateway.uploads.admission import Admission, UploadMemory
from gateway.uploads.reader import UploadLimits

if TYPE_CHECKING:
    from gateway.telemetry.otel import OpenTelemetry

_DESCRIPTION = """Tells which bin a piece of waste belongs to.

Every error is a problem document (RFC 9457); `detail` says what to do. Quote the `X-Request-ID` when you report one.
There is [a page for people](./), and `GET /metrics` in Prometheus's format."""


def create_app(settings: Settings, classifier: Classifier, lifecycle: Lifecycle | None = None) -> FastAPI:
    """Make the ASGI application.

    Args:
        settings: All of them.
        classifier: Started and closed with the application.
        lifecycle: How the server tells the application that it is about to stop.

    Returns:
        The application, with all routes and layers.
    """
    admission = Admission(settings.max_concurrent_requests, settings.max_concurrent_decoded_bytes)
    memory = UploadMemory(settings.max_concurrent_upload_bytes)
    limits = UploadLimits(
        memory, settings.max_body_bytes, settings.upload_grace_seconds, settings.upload_bytes_per_second
    )
    batch_limits = replace(limits, max_body_bytes=settings.max_batch_body_bytes, max_files=MAX_FILES)
    transcoder = Transcoder(settings.transcode_threads)
    Image.MAX_IMAGE_PIXELS = None  # the limit of the settings holds before Pillow sees a file, and may be a higher one
    classify = ClassifyImage(
        classifier, admission, transcoder, model_types=settings.model_types, max_pixels=settings.max_pixels
    )
    metrics = Metrics()
    metrics.registry.register(StateCollector(classifier, admission, memory, settings.model_types))
    tracing = _tracing(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await classifier.start()
        try:
            yield
        finally:
            await classifier.close()
            transcoder.close()
            tracing.close()

    app = FastAPI(
        title="Bin it right",
        description=_DESCRIPTION,
        version="1",
        servers=[{"url": "."}],  # relative to the document: behind a sub-path too
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(predict_router(settings, limits, classify))  # first: routes are tried in order
    app.include_router(health_router(classifier, lifecycle or Lifecycle()))
    app.include_router(metrics_router(metrics.registry))
    app.include_router(static_router())
    app.include_router(explain_router(settings, limits, classify, transcoder))
    app.include_router(predict_batch_router(settings, batch_limits, classify))
    app.include_router(feedback_router(settings, limits, classify, classifier))
    app.include_router(models_router(settings, classifier))
    app.add_exception_handler(HTTPException, _refused_by_router(settings))
    app.add_middleware(
        RequestMiddleware,
        keys=KeyCheck(settings.api_keys),
        metrics=metrics,
        tracing=tracing,
        retry_after_seconds=settings.retry_after_seconds,
    )
    if settings.cors_origins:
        allow_origins(app, settings.cors_origins)
    if settings.api_keys:
        describe_keys(app)
    return app


def _tracing(settings: Settings) -> "PassThrough | OpenTelemetry":
    if settings.otlp_endpoint is None:
        return PassThrough()
    from gateway.telemetry import otel  # an optional dependency group, needed only here

    return otel.exporting_to(settings.otlp_endpoint)


def _refused_by_router(settings: Settings) -> Callable[[Request, Exception], Awaitable[Response]]:
    known = ", ".join(f"POST /{model}/predict" for model in settings.model_types)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.url.path[:80]
        detail = f"There is no {request.method} {path}. There are {known}, GET /docs and GET /health/ready."
        return http_problem(error.status_code, detail, context_of(request.scope).id, error.headers)

    return refuse
