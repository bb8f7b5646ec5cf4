"""POST /feedback: keeps a photo that was judged wrongly, and what it really shows, to learn from. Off by default."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.errors import BadParameter, FeedbackFull, ModelUnavailable
from gateway.http.deadline import deadline_of
from gateway.http.problems import problem_responses
from gateway.http.received import received
from gateway.inference.protocol import Classifier
from gateway.inference.service import ClassifyImage
from gateway.routes.predict import HEADERS, ONE_FILE
from gateway.settings import Settings
from gateway.uploads.reader import UploadLimits


class FeedbackFolder:
    """A folder with a subfolder for each class, which `make data` can add to training. Bounded in bytes."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._writing = asyncio.Lock()

    async def keep(self, photo: bytes, format: str, label: str) -> None:
        """Keep the photo under the class. The same photo is kept once: the last word about it counts.

        Raises:
            FeedbackFull: The folder holds as much as it may.
        """
        async with self._writing:
            await asyncio.to_thread(self._keep, photo, format, label)

    def _keep(self, photo: bytes, format: str, label: str) -> None:
        name = hashlib.sha256(photo).hexdigest()[:24]
        earlier = list(self._folder.glob(f"*/{name}.*"))
        # Other gateways may write here too, and people tidy up: what is there says how full it is.
        kept = sum(path.stat().st_size for path in self._folder.glob("*/*")) if self._folder.exists() else 0
        if not earlier and kept + len(photo) > self._max_bytes:
            raise FeedbackFull
        path = self._folder / label / f"{name}.{format.lower()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f".{name}.partial"
        partial.write_bytes(photo)
        partial.replace(path)
        for other in earlier:
            if other != path:
                other.unlink(missing_ok=True)


def feedback_router(
    settings: Settings, limits: UploadLimits, classify: ClassifyImage, classifier: Classifier
) -> APIRouter:
    """Make the router with the one route; without a folder in the settings it has none."""
    router = APIRouter()
    if settings.feedback_folder is None:
        return router
    folder = FeedbackFolder(settings.feedback_folder, settings.feedback_max_bytes)

    @router.post(
        "/feedback",
        tags=["Photos"],
        summary="Keep a photo that was judged wrongly, to learn from it",
        operation_id="feedback",
        status_code=204,
        response_class=Response,
        responses={
            204: {"description": "The photo is kept under this class"},
            **problem_responses(401, 408, 413, 415, 422, 429, 503, 504, 507),
        },
        openapi_extra={"parameters": HEADERS, "requestBody": ONE_FILE},
    )
    async def feedback(
        request: Request,
        label: Annotated[str, Query(description="The class that the photo really shows.", examples=["glass"])] = "",
    ) -> Response:
        """Keep the photo under the class that it really shows; one that no model could answer about is refused."""
        async with received(request, limits) as upload:
            _check_label(label, classifier)
            deadline_seconds = deadline_of(request.headers, settings.deadline_seconds)
            # The decoder that an answer needs finds out whether the photo is whole.
            answer = await classify(settings.model_types[0], upload.file, deadline_seconds)
            # A thread writes, and goes on when the client has gone: the next one waits for it all the same.
            await asyncio.shield(folder.keep(upload.file, answer.image.format, label))
        return Response(status_code=204)

    return router


def _check_label(label: str, classifier: Classifier) -> None:
    known = {name for model in classifier.described().values() for name in model.labels}
    if not known:
        raise ModelUnavailable("that knows the classes")
    # A name becomes a folder: one that is more than a name is refused whatever the models say.
    if label not in known or not re.fullmatch(r"\w[\w .-]*", label):
        raise BadParameter(f"Say which class it is, as in /feedback?label=glass. Classes: {', '.join(sorted(known))}.")
