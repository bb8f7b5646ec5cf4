"""POST /{model_type}/predict/batch: many photos in one form, an answer or a problem for each."""

import asyncio
import time
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.errors import DeadlineExceeded, GatewayError
from gateway.http.context import context_of
from gateway.http.deadline import deadline_of
from gateway.http.problems import Problem, document_of, problem_responses
from gateway.http.received import received
from gateway.inference.service import ClassifyImage
from gateway.inference.types import Answer
from gateway.routes.predict import ANSWER_HEADERS, HEADERS, Prediction, form_of, model_type_in_path
from gateway.settings import Settings
from gateway.uploads.reader import UploadLimits

MAX_FILES: Final = 32
# Enough for Triton to make batches of, and few enough to leave places for others.
_AT_ONCE = 8


class Classified(BaseModel):
    """The answer to one photo."""

    model_config = ConfigDict(extra="forbid")

    prediction: Prediction
    not_sure: bool = Field(description="The best probability is under the model's threshold.")


class Failed(BaseModel):
    """The problem with one photo."""

    model_config = ConfigDict(extra="forbid")

    problem: Problem


class Results(BaseModel):
    """An answer or a problem for each photo, in their order."""

    model_config = ConfigDict(extra="forbid")

    results: Annotated[list[Classified | Failed], Field(max_length=MAX_FILES)]


def predict_batch_router(settings: Settings, limits: UploadLimits, classify: ClassifyImage) -> APIRouter:
    """Make the router with the one route that classifies many photos."""
    router = APIRouter()

    @router.post(
        "/{model_type}/predict/batch",
        tags=["Photos"],
        summary=f"Classify up to {MAX_FILES} photos of waste",
        operation_id="predict_batch",
        response_model=Results,
        responses={
            200: {"description": "An answer or a problem for each photo, in their order", "headers": ANSWER_HEADERS},
            **problem_responses(401, 404, 408, 413, 415, 422, 429),
        },
        openapi_extra={
            "parameters": HEADERS,
            "requestBody": form_of(
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MAX_FILES,
                    "items": {"type": "string", "format": "binary"},
                }
            ),
        },
    )
    async def predict_batch(model_type: Annotated[str, model_type_in_path(settings)], request: Request) -> Response:
        """Classify each of the photos; one that fails leaves the others alone."""
        classify.check_model(model_type)
        context = context_of(request.scope)
        context.model_type = model_type
        async with received(request, limits) as upload:
            deadline_seconds = deadline_of(request.headers, settings.deadline_seconds)
            context.batch = await _classify_all(classify, model_type, upload.files, deadline_seconds)
        headers = {"Server-Timing": f"total;dur={(time.perf_counter() - context.started) * 1000:.1f}"}
        versions = {outcome.model_version for outcome in context.batch if isinstance(outcome, Answer)}
        if len(versions) == 1:
            context.model_version = headers["X-Model-Version"] = versions.pop()
        results = [_result(outcome, context.id) for outcome in context.batch]
        body = orjson.dumps({"results": results}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(body, headers=headers, media_type="application/json")

    return router


async def _classify_all(
    classify: ClassifyImage, model_type: str, photos: list[bytes], timeout_seconds: float
) -> list[Answer | GatewayError]:
    """Return the outcome of each photo, in their order; the deadline is that of all of them together."""
    places = asyncio.Semaphore(_AT_ONCE)
    deadline = time.perf_counter() + timeout_seconds

    async def one(photo: bytes) -> Answer | GatewayError:
        async with places:
            left = deadline - time.perf_counter()
            if left <= 0:
                return DeadlineExceeded(timeout_seconds)
            try:
                return await classify(model_type, photo, left)
            except GatewayError as exc:
                return exc

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(photo)) for photo in photos]
    return [task.result() for task in tasks]


def _result(outcome: Answer | GatewayError, request_id: str) -> dict[str, object]:
    if isinstance(outcome, GatewayError):
        return {"problem": document_of(outcome, request_id)}
    prediction = {"pred_class": outcome.pred_class, "classes": outcome.classes}
    return {"prediction": prediction, "not_sure": outcome.not_sure}
