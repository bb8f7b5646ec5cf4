"""/health/live, /health/ready and /metrics: cheap to ask, never the cause of an inference."""

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel
from starlette.responses import Response

from gateway.http.context import context_of
from gateway.http.problems import problem, problem_response
from gateway.http.server import Lifecycle
from gateway.inference.protocol import Classifier

_NO_STORE = {"Cache-Control": "no-store"}
_ASK_AGAIN_SECONDS = "1"
_NEEDS_NO_KEY: dict[str, list[str]] = {"security": []}


class Live(BaseModel):
    """The process serves."""

    status: str = "live"


class Ready(BaseModel):
    """Every model has answered lately."""

    status: str = "ready"
    models: list[str]


def health_router(classifier: Classifier, lifecycle: Lifecycle) -> APIRouter:
    """Make the router with both questions."""
    router = APIRouter(prefix="/health", tags=["Service"])

    @router.head("/live", include_in_schema=False)
    @router.get(
        "/live",
        summary="Is the process serving?",
        operation_id="live",
        responses={200: {"description": "It is"}},
        openapi_extra=_NEEDS_NO_KEY,
    )
    async def live(response: Response) -> Live:
        """Say that the process serves."""
        response.headers.update(_NO_STORE)
        return Live()

    @router.head("/ready", include_in_schema=False, response_model=Ready)
    @router.get(
        "/ready",
        summary="Did every model answer lately?",
        operation_id="ready",
        response_model=Ready,
        responses={
            200: {"description": "They did"},
            **problem_response(
                503, "Not ready", "No answer within the last ten seconds from: raw. Look at Triton.", "They did not"
            ),
        },
        openapi_extra=_NEEDS_NO_KEY,
    )
    async def ready(request: Request, response: Response) -> Ready | Response:
        """Say whether every model has answered within the last ten seconds."""
        models = classifier.readiness()
        silent = [model for model, is_ready in models.items() if not is_ready]
        if lifecycle.stopping:
            return _not_ready(request, "The gateway is stopping. Ask another one.")
        if silent:
            detail = f"No answer within the last ten seconds from: {', '.join(silent)}. Look at Triton."
            return _not_ready(request, detail)
        response.headers.update(_NO_STORE)
        return Ready(models=list(models))

    return router


def metrics_router(registry: CollectorRegistry) -> APIRouter:
    """Make the router with /metrics for Prometheus."""
    router = APIRouter(include_in_schema=False)

    @router.head("/metrics")
    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Return everything that is counted, in the format that is asked for."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=media_type)

    return router


def _not_ready(request: Request, detail: str) -> Response:
    return problem(
        503, "Not ready", detail, context_of(request.scope).id, _NO_STORE | {"Retry-After": _ASK_AGAIN_SECONDS}
    )
