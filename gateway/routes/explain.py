"""POST /{model_type}/explain: where the network looked, as a PNG."""

import asyncio
import time
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.docs.explain import EXPLAIN, LAYERS
from gateway.errors import BadParameter, DeadlineExceeded
from gateway.http.context import context_of
from gateway.http.disconnect import CancelledOnHangup
from gateway.images.heatmap import draw_heat, draw_over_photo
from gateway.images.transcode import Transcoder
from gateway.inference.service import ClassifyImage
from gateway.inference.types import Answer, Explanation
from gateway.routes.predict import timeout_of
from gateway.settings import Settings
from gateway.uploads.admission import UploadMemory
from gateway.uploads.reader import UploadLimits, read_upload


def explain_router(
    settings: Settings, classify: ClassifyImage, transcoder: Transcoder, memory: UploadMemory
) -> APIRouter:
    """The router with the one route that explains. Its pictures are drawn in the threads of the transcoder."""
    router = APIRouter()
    limits = UploadLimits(settings.max_body_bytes, settings.upload_grace_seconds, settings.upload_bytes_per_second)

    @router.post("/{model_type}/explain", **EXPLAIN)
    async def explain(model_type: str, request: Request) -> Response:
        """Draws where the network found signs of a class, by default of the one that it answers."""
        classify.check_model(model_type)
        context = context_of(request.scope)
        # Not an answer like others: it must not count twice in what watches the predicted classes.
        context.model_type = f"{model_type}_explain"
        with memory.share() as share:
            data = await read_upload(request.receive, request.headers, limits, share)
            context.upload_bytes = len(data)
            layer = request.query_params.get("layer", LAYERS[0])
            if layer not in LAYERS:
                raise BadParameter(f"The layer is one of: {', '.join(LAYERS)}.")
            timeout_seconds = timeout_of(request, settings)
            began = time.perf_counter()
            async with CancelledOnHangup(request.scope):
                explanation = await classify.explain(model_type, data, timeout_seconds)
                label = _label(request, explanation.answer)
                try:
                    async with asyncio.timeout(timeout_seconds - (time.perf_counter() - began)):
                        picture = await _draw(transcoder, data, explanation, label, layer)
                except TimeoutError as error:
                    raise DeadlineExceeded(timeout_seconds) from error
        headers = {
            "Server-Timing": f"total;dur={(time.perf_counter() - context.started) * 1000:.1f}",
            "X-Model-Version": explanation.answer.model_version,
            "X-Explained-Class": quote(label),
        }
        return Response(picture, headers=headers, media_type="image/png")

    return router


def _label(request: Request, answer: Answer) -> str:
    label = request.query_params.get("class", answer.pred_class)
    if label not in answer.classes:
        raise BadParameter(f"There is no class {label[:40]!r}. Classes: {', '.join(answer.classes)}.")
    return label


async def _draw(transcoder: Transcoder, data: bytes, explanation: Explanation, label: str, layer: str) -> bytes:
    activations = explanation.maps[list(explanation.answer.classes).index(label)]
    if layer == "heat":
        return await transcoder.run(draw_heat, activations)
    return await transcoder.run(draw_over_photo, data, explanation.answer.image, activations)
