"""Receives the upload of a request, and guards the work on it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from gateway.errors import CURL_BODY, BrokenImage
from gateway.http.context import context_of
from gateway.http.disconnect import cancelled_on_disconnect
from gateway.uploads.multipart import UploadedFile
from gateway.uploads.reader import UploadLimits, is_photo, read_files


@dataclass(slots=True)
class Upload:
    """The files of a form, or the one that the body is."""

    files: list[UploadedFile]

    @property
    def file(self) -> bytes:
        """The bytes of the only file."""
        (file,) = self.files
        return file.content


@asynccontextmanager
async def received(request: Request, limits: UploadLimits) -> AsyncIterator[Upload]:
    """Read a request's upload, and cancel the block that works on it when the client disconnects.

    The memory of the upload counts as taken until the end of the block.

    Args:
        request: Of which the body has not been read.
        limits: Of the upload.

    Raises:
        UploadError: As ``gateway.uploads.reader.read_files`` raises them.
        TooManyConcurrent: The uploads of all requests take more memory than they may.
    """
    context = context_of(request.scope)
    with limits.memory.share() as share:
        began = time.perf_counter()
        files = await read_files(request.receive, request.headers, limits, share)
        context.upload_bytes = sum(len(file.content) for file in files)
        context.upload_seconds = time.perf_counter() - began
        try:
            async with cancelled_on_disconnect(context):
                yield Upload(files)
        except BrokenImage as exc:
            if not is_photo(request.headers.get("content-type", "")):
                raise
            raise BrokenImage(f"{exc} curl sends a whole file as {CURL_BODY}; -d leaves line ends out.") from exc
