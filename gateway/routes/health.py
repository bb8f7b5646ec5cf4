"""/health/live, /health/ready and /metrics: cheap to ask, never the cause of an inference."""

import orjson
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from gateway.docs.operations import LIVE, READY
from gateway.http.context import context_of
from gateway.http.problems import problem
from gateway.http.server import Lifecycle
from gateway.inference.protocol import Classifier

_NO_STORE = {"Cache-Control": "no-store"}
_ASK_AGAIN_SECONDS = "1"


def health_router(classifier: Classifier, lifecycle: Lifecycle) -> APIRouter:
    """The router with both questions."""
    router = APIRouter(prefix="/health")

    @router.get("/live", **LIVE)
    async def live() -> Response:
        """The process serves."""
        return Response(b'{"status":"live"}', headers=_NO_STORE, media_type="application/json")

    @router.get("/ready", **READY)
    async def ready(request: Request) -> Response:
        """Every model has answered within the last ten seconds."""
        models = classifier.readiness()
        silent = [model for model, is_ready in models.items() if not is_ready]
        if lifecycle.stopping:
            return _not_ready(request, "The gateway is stopping. Ask another one.")
        if silent:
            detail = f"No answer within the last ten seconds from: {', '.join(silent)}. Look at Triton."
            return _not_ready(request, detail)
        content = orjson.dumps({"status": "ready", "models": list(models)})
        return Response(content, headers=_NO_STORE, media_type="application/json")

    return router


def metrics_router(registry: CollectorRegistry) -> APIRouter:
    """/metrics for Prometheus."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Everything that is counted, in the format that is asked for."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=media_type)

    return router


def _not_ready(request: Request, detail: str) -> Response:
    return problem(
        503, "Not ready", detail, context_of(request.scope).id, _NO_STORE | {"Retry-After": _ASK_AGAIN_SECONDS}
    )
