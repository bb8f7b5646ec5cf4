"""/health/live and /health/ready: cheap to ask, never the cause of an inference."""

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.docs.operations import LIVE, READY
from gateway.prediction import Classifier
from gateway.problems import problem
from gateway.requests import context_of

_NO_STORE = {"Cache-Control": "no-store"}


def health_router(classifier: Classifier) -> APIRouter:
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
        if silent:
            detail = f"No answer within the last ten seconds from: {', '.join(silent)}. Look at Triton."
            return problem(503, "Not ready", detail, context_of(request.scope).id, _NO_STORE)
        content = orjson.dumps({"status": "ready", "models": list(models)})
        return Response(content, headers=_NO_STORE, media_type="application/json")

    return router
