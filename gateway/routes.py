"""The path of the contract: POST /{model_type}/predict."""

import time

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.classify import Answer, ClassifyImage
from gateway.docs.operations import PREDICT
from gateway.requests import context_of
from gateway.settings import Settings
from gateway.uploads import UploadLimits, read_upload


def predict_router(settings: Settings, classify: ClassifyImage) -> APIRouter:
    """The router with the one route that classifies."""
    router = APIRouter()
    limits = UploadLimits(settings.max_body_bytes, settings.upload_grace_seconds, settings.upload_bytes_per_second)

    @router.post("/{model_type}/predict", **PREDICT)
    async def predict(model_type: str, request: Request) -> Response:
        """Classifies one photo of waste."""
        classify.check_model(model_type)
        data = await read_upload(request.receive, request.headers, limits)
        answer = await classify(model_type, data, settings.deadline_seconds)
        return _response(answer, context_of(request.scope).started)

    return router


def _response(answer: Answer, started: float) -> Response:
    headers = {
        "Server-Timing": (
            f"validate;dur={answer.validate_seconds * 1000:.1f}, triton;dur={answer.triton_seconds * 1000:.1f}, "
            f"total;dur={(time.perf_counter() - started) * 1000:.1f}"
        ),
        "X-Model-Version": answer.model_version,
    }
    if answer.not_sure:
        headers["X-Confidence"] = "low"
    body = orjson.dumps({"pred_class": answer.pred_class, "classes": answer.classes}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, headers=headers, media_type="application/json")
