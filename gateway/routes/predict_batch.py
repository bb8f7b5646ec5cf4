"""POST /{model_type}/predict/batch: many photos in one form, an answer or a problem for each."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.errors import DeadlineExceeded, GatewayError
from gateway.http import ndjson
from gateway.http.context import RequestContext, context_of
from gateway.http.deadline import deadline_of
from gateway.http.ndjson import NdjsonResponse, WriteLine
from gateway.http.problems import Problem, document_of, problem_responses
from gateway.http.received import received
from gateway.inference.service import ClassifyImage
from gateway.inference.types import Answer
from gateway.routes.predict import ANSWER_HEADERS, EXAMPLE, HEADERS, Prediction, form_of, model_type_in_path
from gateway.settings import Settings
from gateway.uploads.multipart import UploadedFile
from gateway.uploads.reader import UploadLimits

MAX_FILES: Final = 32
# Enough for Triton to make batches of, and few enough to leave places for others.
_AT_ONCE = 8
_FILES: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_FILES,
    "items": {"type": "string", "format": "binary"},
}
_LINE: Final = {"index": 0, "file": "can.jpg", "prediction": EXAMPLE, "not_sure": False}
# FastAPI would describe the lines by the model of the whole answer.
_LINES: Final = {
    "schema": {
        "type": "string",
        "description": "A JSON object a line: `index` in the form, and a result.",
    },
    "example": orjson.dumps(_LINE, option=orjson.OPT_APPEND_NEWLINE).decode(),
}

_Outcome = Answer | GatewayError
_Answered = Callable[[int, UploadedFile, _Outcome], Awaitable[None]]


class Classified(BaseModel):
    """The answer to one photo."""

    model_config = ConfigDict(extra="forbid")

    file: str | None = Field(description="The name that the form gives to the file; null where it gives none.")
    prediction: Prediction
    not_sure: bool = Field(description="The best probability is under the model's threshold.")


class Failed(BaseModel):
    """The problem with one photo."""

    model_config = ConfigDict(extra="forbid")

    file: str | None = Field(description="The name that the form gives to the file; null where it gives none.")
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
            200: {
                "description": "An answer or a problem for each photo: in their order, or as they come where the "
                f"header Accept asks for {ndjson.MEDIA_TYPE}",
                "headers": ANSWER_HEADERS,
                "content": {ndjson.MEDIA_TYPE: _LINES},
            },
            **problem_responses(401, 404, 408, 413, 415, 422, 429),
        },
        openapi_extra={"parameters": HEADERS, "requestBody": form_of(_FILES)},
    )
    async def predict_batch(model_type: Annotated[str, model_type_in_path(settings)], request: Request) -> Response:
        """Classify each of the photos; one that fails leaves the others alone."""
        classify.check_model(model_type)
        context = context_of(request.scope)
        context.model_type = model_type

        async def classify_all(answered: _Answered) -> None:
            async with received(request, limits) as upload:
                deadline_seconds = deadline_of(request.headers, settings.deadline_seconds)
                await _classify_all(classify, model_type, upload.files, deadline_seconds, answered)

        if ndjson.prefers_ndjson(request.headers.get("accept", "")):

            async def write_all(write: WriteLine) -> None:
                await classify_all(_writing(context, write))
                _note_version(context)

            return NdjsonResponse(write_all)
        outcomes: dict[int, tuple[UploadedFile, _Outcome]] = {}

        async def keep(index: int, file: UploadedFile, outcome: _Outcome) -> None:
            outcomes[index] = file, outcome

        await classify_all(keep)
        return _response(context, [outcomes[index] for index in range(len(outcomes))])

    return router


async def _classify_all(
    classify: ClassifyImage, model_type: str, files: list[UploadedFile], timeout_seconds: float, answered: _Answered
) -> None:
    """Hand out the outcome of each photo as it comes; the deadline is that of all of them together."""
    places = asyncio.Semaphore(_AT_ONCE)
    deadline = time.perf_counter() + timeout_seconds

    async def one(index: int, file: UploadedFile) -> tuple[int, UploadedFile, _Outcome]:
        async with places:
            left = deadline - time.perf_counter()
            if left <= 0:
                return index, file, DeadlineExceeded(timeout_seconds)
            try:
                return index, file, await classify(model_type, file.content, left)
            except GatewayError as exc:
                return index, file, exc

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(index, file)) for index, file in enumerate(files)]
        for answer in asyncio.as_completed(tasks):
            await answered(*await answer)


def _writing(context: RequestContext, write: WriteLine) -> _Answered:
    async def write_outcome(index: int, file: UploadedFile, outcome: _Outcome) -> None:
        context.batch.append(outcome)
        await write({"index": index, **_result(file, outcome, context.id)})

    return write_outcome


def _response(context: RequestContext, outcomes: list[tuple[UploadedFile, _Outcome]]) -> Response:
    context.batch = [outcome for _, outcome in outcomes]
    headers = {"Server-Timing": f"total;dur={(time.perf_counter() - context.started) * 1000:.1f}"}
    _note_version(context)
    if context.model_version:
        headers["X-Model-Version"] = context.model_version
    results = [_result(file, outcome, context.id) for file, outcome in outcomes]
    body = orjson.dumps({"results": results}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, headers=headers, media_type="application/json")


def _note_version(context: RequestContext) -> None:
    """Note which version answered, where it is one: while a model is replaced it may be two."""
    versions = {outcome.model_version for outcome in context.batch if isinstance(outcome, Answer)}
    if len(versions) == 1:
        context.model_version = versions.pop()


def _result(file: UploadedFile, outcome: _Outcome, request_id: str) -> dict[str, Any]:
    if isinstance(outcome, GatewayError):
        return {"file": file.name, "problem": document_of(outcome, request_id)}
    prediction = {"pred_class": outcome.pred_class, "classes": outcome.classes}
    return {"file": file.name, "prediction": prediction, "not_sure": outcome.not_sure}
