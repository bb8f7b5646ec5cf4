"""POST /{model_type}/predict: the path of the contract."""

import time
from typing import Annotated, Any, Final

import fastapi
import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.http.context import context_of
from gateway.http.deadline import deadline_of
from gateway.http.problems import problem_responses
from gateway.http.received import received
from gateway.inference.service import ClassifyImage
from gateway.inference.types import Answer
from gateway.settings import Settings
from gateway.uploads.reader import UploadLimits

EXAMPLE: Final[dict[str, Any]] = {
    "pred_class": "metal",
    "classes": {
        "glass": 4.2e-06,
        "paper": 0.0145,
        "cardboard": 1.6e-05,
        "plastic": 2.7e-05,
        "metal": 0.9855,
        "trash": 3.6e-06,
    },
}
# FastAPI would read the form and check these headers before the gateway has counted the body: they are only described.
HEADERS: Final[list[dict[str, Any]]] = [
    {
        "name": "X-Request-Timeout",
        "in": "header",
        "description": "Seconds that the client waits for the answer; the gateway's deadline is the longest.",
        "schema": {"type": "number", "exclusiveMinimum": 0},
    },
    {
        "name": "X-Request-ID",
        "in": "header",
        "description": "An id to find the request by in logs and answers; else one is made.",
        "schema": {"type": "string"},
    },
]
ANSWER_HEADERS: Final = {
    "X-Request-ID": {"description": "The request's own id, or a new one.", "schema": {"type": "string"}},
    "Server-Timing": {"description": "Milliseconds: validate, triton, total.", "schema": {"type": "string"}},
    "X-Model-Version": {"description": "Triton's version number and a digest.", "schema": {"type": "string"}},
}
_HEADERS_OF_ANSWER: Final = ANSWER_HEADERS | {
    "X-Confidence": {"description": "`low` where the answer is not sure.", "schema": {"type": "string"}}
}


class Prediction(BaseModel):
    """The most probable class, and the probability of each."""

    model_config = ConfigDict(extra="forbid")

    pred_class: str = Field(description="The most probable class.")
    classes: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        description="The probability of each class; they sum to 1."
    )


def form_of(file: dict[str, Any]) -> dict[str, Any]:
    """Describe a multipart form whose field ``file`` has this schema."""
    schema = {"type": "object", "required": ["file"], "properties": {"file": file}}
    form: dict[str, Any] = {"multipart/form-data": {"schema": schema, "encoding": {"file": {"contentType": "image/*"}}}}
    return {"required": True, "content": form}


_FILE: Final = {"type": "string", "format": "binary"}
ONE_FILE: Final = form_of(_FILE)
# The body may be the photo itself, as cameras send it.
ONE_FILE["content"] |= {kind: {"schema": _FILE} for kind in ("image/*", "application/octet-stream")}


def model_type_in_path(settings: Settings) -> Any:
    """Describe the path's parameter: one of the served model types."""
    return fastapi.Path(json_schema_extra={"enum": list(settings.model_types)})


def predict_router(settings: Settings, limits: UploadLimits, classify: ClassifyImage) -> APIRouter:
    """Make the router with the one route that classifies."""
    router = APIRouter()

    @router.post(
        "/{model_type}/predict",
        tags=["Photos"],
        summary="Classify a photo of waste",
        operation_id="predict",
        response_model=Prediction,
        responses={
            200: {
                "description": "The most probable class and the probability of each",
                "headers": _HEADERS_OF_ANSWER,
                "content": {"application/json": {"example": EXAMPLE}},
            },
            **problem_responses(401, 404, 408, 413, 415, 422, 429, 503, 504),
        },
        openapi_extra={"parameters": HEADERS, "requestBody": ONE_FILE},
    )
    async def predict(model_type: Annotated[str, model_type_in_path(settings)], request: Request) -> Response:
        """Which bin does it belong to? The file's bytes decide about its format, not its name or declared type."""
        classify.check_model(model_type)
        context = context_of(request.scope)
        context.model_type = model_type
        async with received(request, limits) as upload:
            deadline_seconds = deadline_of(request.headers, settings.deadline_seconds)
            context.answer = await classify(model_type, upload.file, deadline_seconds)
        context.model_version = context.answer.model_version
        return _response(context.answer, context.started)

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
    # A response, not the model: orjson writes FP32 as short as it is, Python's floats would be twice as long.
    body = orjson.dumps({"pred_class": answer.pred_class, "classes": answer.classes}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, headers=headers, media_type="application/json")
