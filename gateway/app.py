"""Puts the parts together."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.direct import StraightTo
from gateway.docs.document import DESCRIPTION, openapi_document
from gateway.docs.swagger import swagger_router
from gateway.http.auth import KeyCheck
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
from gateway.routes.models import catalogue_router
from gateway.routes.predict import predict_router
from gateway.routes.predict_batch import batch_router
from gateway.routes.static import page_router
from gateway.settings import Settings
from gateway.telemetry.metrics import Metrics, StateCollector
from gateway.telemetry.tracing import PassThrough, Tracing
from gateway.uploads.admission import Admission, UploadMemory


def create_app(settings: Settings, classifier: Classifier, lifecycle: Lifecycle | None = None) -> FastAPI:
    """The ASGI application. The classifier is started and closed with it.

    `lifecycle` is how the server tells the application that it is about to stop.
    """
    admission = Admission(settings.max_requests_in_flight, settings.max_decoded_bytes_in_flight)
    memory = UploadMemory(settings.max_upload_bytes_in_flight)
    transcoder = Transcoder(settings.transcode_threads)
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
        description=DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    predict = predict_router(settings, classify, memory)
    app.include_router(predict)  # first: routes are tried in order
    app.include_router(health_router(classifier, lifecycle or Lifecycle()))
    app.include_router(metrics_router(metrics.registry))
    app.include_router(swagger_router())
    app.include_router(page_router())
    app.include_router(explain_router(settings, classify, transcoder, memory))
    app.include_router(batch_router(settings, classify, memory))
    app.include_router(feedback_router(settings, classifier, memory))
    app.include_router(catalogue_router(settings, classifier))
    app.add_exception_handler(HTTPException, _refused_by_router(settings))
    app.add_middleware(StraightTo, router=predict)
    app.add_middleware(
        RequestMiddleware,
        keys=KeyCheck(settings.api_keys),
        metrics=metrics,
        tracing=tracing,
        retry_after_seconds=settings.retry_after_seconds,
    )
    if settings.cors_origins:
        allow_origins(app, settings.cors_origins)
    app.openapi = lambda: _openapi(app, settings)  # type: ignore[method-assign]
    return app


def _tracing(settings: Settings) -> Tracing:
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


def _openapi(app: FastAPI, settings: Settings) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = openapi_document(app, settings)
    return app.openapi_schema
