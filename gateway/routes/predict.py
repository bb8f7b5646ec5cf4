"""The path of the contract: POST /{model_type}/predict."""

import math
import time

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.docs.operations import PREDICT
from gateway.errors import BadParameter
from gateway.http.context import context_of
from gateway.http.disconnect import CancelledOnHangup
from gateway.inference.service import ClassifyImage
from gateway.inference.types import Answer
from gateway.settings import Settings
from gateway.uploads.admission import UploadMemory
from gateway.uploads.reader import UploadLimits, read_upload


def predict_router(settings: Settings, classify: ClassifyImage, memory: UploadMemory) -> APIRouter:
    """The router with the one route that classifies."""
    router = APIRouter()
    limits = UploadLimits(settings.max_body_bytes, settings.upload_grace_seconds, settings.upload_bytes_per_second)

    @router.post("/{model_type}/predict", **PREDICT)
    async def predict(model_type: str, request: Request) -> Response:
        """Classifies one photo of waste."""
        classify.check_model(model_type)
        context = context_of(request.scope)
        context.model_type = model_type
        with memory.share() as share:
            began = time.perf_counter()
            data = await read_upload(request.receive, request.headers, limits, share)
            context.upload_bytes, context.upload_seconds = len(data), time.perf_counter() - began
            timeout_seconds = timeout_of(request, settings)
            async with CancelledOnHangup(request.scope):
                context.answer = await classify(model_type, data, timeout_seconds)
        return _response(context.answer, context.started)

    return router


def timeout_of(request: Request, settings: Settings) -> float:
    """Seconds that the request has: the deadline, or less where the client asks for less. Raises `BadParameter`."""
    asked, longest = request.headers.get("x-request-timeout"), settings.deadline_seconds
    if asked is None:
        return longest
    try:
        seconds = float(asked)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise BadParameter("X-Request-Timeout must be a positive number of seconds, as in `X-Request-Timeout: 1.5`.")
    return min(seconds, longest)


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
