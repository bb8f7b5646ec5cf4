"""POST /{model_type}/explain: where the network looked, as a PNG."""

import asyncio
import time
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic.json_schema import SkipJsonSchema
from starlette.responses import Response

from gateway.errors import BadParameter, DeadlineExceeded
from gateway.http.context import context_of
from gateway.http.deadline import deadline_of
from gateway.http.problems import problem_responses
from gateway.http.received import received
from gateway.images.heatmap import draw_heat, draw_over_photo
from gateway.images.transcode import Transcoder
from gateway.inference.service import ClassifyImage
from gateway.inference.types import Answer, Explanation
from gateway.routes.predict import ANSWER_HEADERS, HEADERS, ONE_FILE, model_type_in_path
from gateway.settings import Settings
from gateway.uploads.reader import UploadLimits

_LAYERS = ("photo", "heat")
_LAYER = (
    "`photo`: the map over the photo, at most 640 pixels long. `heat`: the map alone, square and partly transparent, "
    "to be stretched over the photo."
)
_PICTURE: Final = {
    "description": "A class activation map: bright where the network found signs of the class. It is coarse (a cell "
    "is 32 pixels of the network's input) and smoothed; it does not outline things, and it does not tell whether the "
    "answer is right.",
    "headers": ANSWER_HEADERS
    | {"X-Explained-Class": {"description": "The map's class, percent-encoded.", "schema": {"type": "string"}}},
    "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
}


def explain_router(
    settings: Settings, limits: UploadLimits, classify: ClassifyImage, transcoder: Transcoder
) -> APIRouter:
    """Make the router with the one route that explains. Its pictures are drawn in the threads of the transcoder."""
    router = APIRouter()

    @router.post(
        "/{model_type}/explain",
        tags=["Photos"],
        summary="Draw where the network looked",
        operation_id="explain",
        response_class=Response,
        responses={200: _PICTURE, **problem_responses(401, 404, 408, 413, 415, 422, 429, 503, 504)},
        openapi_extra={"parameters": HEADERS, "requestBody": ONE_FILE},
    )
    async def explain(
        model_type: Annotated[str, model_type_in_path(settings)],
        request: Request,
        # Plain texts, checked below: a body that is too large comes before a parameter that is wrong.
        layer: Annotated[str, Query(description=_LAYER, json_schema_extra={"enum": list(_LAYERS)})] = _LAYERS[0],
        label: Annotated[
            str | SkipJsonSchema[None],
            Query(alias="class", description="The class to look for; by default the predicted one."),
        ] = None,
    ) -> Response:
        """Draw where the network found signs of a class."""
        classify.check_model(model_type)
        context = context_of(request.scope)
        # Not an answer like others: it must not count twice in what watches the predicted classes.
        context.model_type = f"{model_type}_explain"
        async with received(request, limits) as upload:
            if layer not in _LAYERS:
                raise BadParameter(f"The layer is one of: {', '.join(_LAYERS)}.")
            deadline_seconds = deadline_of(request.headers, settings.deadline_seconds)
            began = time.perf_counter()
            explanation = await classify.explain(model_type, upload.file, deadline_seconds)
            context.model_version = explanation.answer.model_version
            explained = _explained_class(label, explanation.answer)
            try:
                async with asyncio.timeout(deadline_seconds - (time.perf_counter() - began)):
                    picture = await _draw(transcoder, explanation, explained, layer)
            except TimeoutError as exc:
                raise DeadlineExceeded(deadline_seconds) from exc
        headers = {
            "Server-Timing": f"total;dur={(time.perf_counter() - context.started) * 1000:.1f}",
            "X-Model-Version": explanation.answer.model_version,
            "X-Explained-Class": quote(explained),
        }
        return Response(picture, headers=headers, media_type="image/png")

    return router


def _explained_class(label: str | None, answer: Answer) -> str:
    if label is None:
        return answer.pred_class
    if label not in answer.classes:
        raise BadParameter(f"There is no class {label[:40]!r}. Classes: {', '.join(answer.classes)}.")
    return label


async def _draw(transcoder: Transcoder, explanation: Explanation, label: str, layer: str) -> bytes:
    activations = explanation.maps[list(explanation.answer.classes).index(label)]
    if layer == "heat":
        return await transcoder.run(draw_heat, activations)
    return await transcoder.run(draw_over_photo, explanation.answer.image, activations)
