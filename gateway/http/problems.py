"""The one place where errors become statuses: problem documents after RFC 9457."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

from gateway import errors

MEDIA_TYPE = "application/problem+json"

# Titles say what kind of problem it is and never change; details say what to do about this one.
_PROBLEMS: Mapping[type[errors.GatewayError], tuple[int, str]] = {
    errors.Unauthorized: (401, "API key missing or wrong"),
    errors.UnknownModel: (404, "Unknown model type"),
    errors.CanNotExplain: (404, "No explanations"),
    errors.BodyTooLarge: (413, "Body too large"),
    errors.ImageTooLarge: (413, "Image too large"),
    errors.UploadTimeout: (408, "Upload too slow"),
    errors.ClientGone: (408, "Upload aborted"),
    errors.MalformedUpload: (422, "Malformed upload"),
    errors.BadParameter: (422, "Bad parameter"),
    errors.BrokenImage: (422, "Broken image"),
    errors.UnsupportedFormat: (415, "Not an accepted image format"),
    errors.Overloaded: (429, "Too many requests in flight"),
    errors.ModelUnavailable: (503, "Model unavailable"),
    errors.BatchFailed: (503, "Model unavailable"),
    errors.DeadlineExceeded: (504, "Deadline exceeded"),
    errors.FeedbackFull: (507, "Feedback is full"),
}
_FAULT = (500, "Internal error")
_FAULT_DETAIL = "This is a fault of the service. Report it with the request id."
_RETRY_LATER = frozenset({429, 503})


def problem(
    status: int, title: str, detail: str, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem document with the request's id."""
    return Response(orjson.dumps(_document(status, title, detail, request_id)), status, headers, MEDIA_TYPE)


def problem_of(error: Exception, request_id: str, retry_after_seconds: int) -> Response:
    """The problem document of an error, as a response."""
    document = document_of(error, request_id)
    status = document["status"]
    headers = {}
    if status in _RETRY_LATER:
        headers["Retry-After"] = str(retry_after_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="bin-it-right"'
    return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)


def document_of(error: Exception, request_id: str) -> dict[str, Any]:
    """The problem document of an error; what is no `GatewayError` is a fault and tells nothing of itself."""
    status, title = next((_PROBLEMS[kind] for kind in type(error).__mro__ if kind in _PROBLEMS), _FAULT)
    return _document(status, title, _FAULT_DETAIL if status == 500 else str(error), request_id)


def _document(status: int, title: str, detail: str, request_id: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id}


def http_problem(status: int, detail: str, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document for what the router or the protocol refuses by itself."""
    return problem(status, HTTPStatus(status).phrase, detail, request_id, headers)
