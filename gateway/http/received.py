"""Receives the upload of a request, and guards the work on it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from gateway.http.context import context_of
from gateway.http.disconnect import cancelled_on_disconnect
from gateway.uploads.reader import UploadLimits, read_files


@dataclass(slots=True)
class Upload:
    """The files of a form."""

    files: list[bytes]

    @property
    def file(self) -> bytes:
        """The only file."""
        (content,) = self.files
        return content


@asynccontextmanager
async def received(request: Request, limits: UploadLimits) -> AsyncIterator[Upload]:
    """Read a request's upload, and cancel the block that works on it when the client disconnects.

    The memory of the upload counts as taken until the end of the block.

    Args:
        request: Of which the body has not been read.
        limits: Of the upload.

    Raises:
        UploadError: As ``gateway.uploads.reader.read_files`` raises them.
        TooManyInFlight: The uploads of all requests take more memory than they may.
    """
    context = context_of(request.scope)
    with limits.memory.share() as share:
        began = time.perf_counter()
        files = await read_files(request.receive, request.headers, limits, share)
        context.upload_bytes, context.upload_seconds = sum(map(len, files)), time.perf_counter() - began
        async with cancelled_on_disconnect(context):
            yield Upload(files)
