"""GET /models: what can be asked, whether it answers, and how good it is."""

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from gateway.docs.batch import MAX_FILES
from gateway.docs.catalogue import MODELS
from gateway.inference.protocol import Classifier
from gateway.settings import Settings
from gateway.triton.types import ModelDescription


def catalogue_router(settings: Settings, classifier: Classifier) -> APIRouter:
    """The router with the one question. It asks nobody: the answer is what the gateway has learned so far."""
    router = APIRouter()
    limits = {
        "max_body_bytes": settings.max_body_bytes,
        "max_pixels": settings.max_pixels,
        "max_batch_body_bytes": settings.max_batch_body_bytes,
        "max_batch_files": MAX_FILES,
    }

    @router.get("/models", **MODELS)
    async def models() -> Response:
        """The models with readiness, version, classes and the metrics of their cards."""
        ready, described = classifier.readiness(), classifier.described()
        entries = [_entry(name, ready[name], described.get(name)) for name in settings.model_types]
        content = orjson.dumps({"models": entries, "limits": limits, "feedback": settings.feedback_folder is not None})
        return Response(content, headers={"Cache-Control": "no-store"}, media_type="application/json")

    return router


def _entry(name: str, ready: bool, model: ModelDescription | None) -> dict[str, object]:
    return {
        "name": name,
        "ready": ready,
        "version": model.version(model.version_number) if model else None,
        "classes": model.labels if model else (),
        "confidence_threshold": model.confidence_threshold if model else None,
        "metrics": model.metrics if model else {},
        "places": model.places if model else None,
        "explains": model.explains if model else False,
    }
