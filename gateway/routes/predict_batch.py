"""POST /{model_type}/predict/batch: many photos in one form, an answer or a problem for each."""

import asyncio
import time

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.docs.batch import MAX_FILES, PREDICT_BATCH
from gateway.errors import DeadlineExceeded, GatewayError
from gateway.http.context import context_of
from gateway.http.disconnect import CancelledOnHangup
from gateway.http.problems import document_of
from gateway.inference.service import ClassifyImage
from gateway.inference.types import Answer
from gateway.routes.predict import timeout_of
from gateway.settings import Settings
from gateway.uploads.admission import UploadMemory
from gateway.uploads.reader import UploadLimits, read_uploads

# Enough for Triton to make batches of, and few enough to leave places for others.
_AT_ONCE = 8


def batch_router(settings: Settings, classify: ClassifyImage, memory: UploadMemory) -> APIRouter:
    """The router with the one route that classifies many photos."""
    router = APIRouter()
    limits = UploadLimits(
        settings.max_batch_body_bytes, settings.upload_grace_seconds, settings.upload_bytes_per_second, MAX_FILES
    )

    @router.post("/{model_type}/predict/batch", **PREDICT_BATCH)
    async def predict_batch(model_type: str, request: Request) -> Response:
        """Classifies each of the photos; one that fails leaves the others alone."""
        classify.check_model(model_type)
        context = context_of(request.scope)
        context.model_type = model_type
        with memory.share() as share:
            began = time.perf_counter()
            photos = await read_uploads(request.receive, request.headers, limits, share)
            context.upload_bytes, context.upload_seconds = sum(map(len, photos)), time.perf_counter() - began
            timeout_seconds = timeout_of(request, settings)
            async with CancelledOnHangup(request.scope):
                context.batch = await _classify_all(classify, model_type, photos, timeout_seconds)
        results = [_result(outcome, context.id) for outcome in context.batch]
        headers = {"Server-Timing": f"total;dur={(time.perf_counter() - context.started) * 1000:.1f}"}
        versions = {outcome.model_version for outcome in context.batch if isinstance(outcome, Answer)}
        if len(versions) == 1:
            headers["X-Model-Version"] = versions.pop()
        body = orjson.dumps({"results": results}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(body, headers=headers, media_type="application/json")

    return router


async def _classify_all(
    classify: ClassifyImage, model_type: str, photos: list[bytes], timeout_seconds: float
) -> list[Answer | GatewayError]:
    """The outcome of each photo, in their order; the deadline is that of all of them together."""
    places = asyncio.Semaphore(_AT_ONCE)
    deadline = time.perf_counter() + timeout_seconds

    async def one(photo: bytes) -> Answer | GatewayError:
        async with places:
            left = deadline - time.perf_counter()
            if left <= 0:
                return DeadlineExceeded(timeout_seconds)
            try:
                return await classify(model_type, photo, left)
            except GatewayError as error:
                return error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(photo)) for photo in photos]
    return [task.result() for task in tasks]


def _result(outcome: Answer | GatewayError, request_id: str) -> dict[str, object]:
    if isinstance(outcome, GatewayError):
        return {"problem": document_of(outcome, request_id)}
    prediction = {"pred_class": outcome.pred_class, "classes": outcome.classes}
    return {"prediction": prediction, "not_sure": outcome.not_sure}
