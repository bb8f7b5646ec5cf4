"""The one place where errors become statuses: problem documents after RFC 9457, and what routes say of them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import BaseModel, Field
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
    errors.EncodedBody: (415, "Unsupported Content-Encoding"),
    errors.MalformedUpload: (422, "Malformed upload"),
    errors.BadParameter: (422, "Bad parameter"),
    errors.BrokenImage: (422, "Broken image"),
    errors.UnsupportedFormat: (415, "Not an accepted image format"),
    errors.Overloaded: (429, "Too many concurrent requests"),
    errors.ModelUnavailable: (503, "Model unavailable"),
    errors.BatchFailed: (503, "Model unavailable"),
    errors.DeadlineExceeded: (504, "Deadline exceeded"),
    errors.FeedbackFull: (507, "Feedback is full"),
}
_FAULT = (500, "Internal error")
_FAULT_DETAIL = "This is a fault of the service. Report it with the request id."
_RETRY_LATER = frozenset({429, 503})
# One error of each status, as an example in the OpenAPI document, and what else the status may mean.
_EXAMPLES: tuple[tuple[errors.GatewayError, str], ...] = (
    (errors.Unauthorized(), "API key missing or wrong"),
    (errors.UnknownModel("resnet", ("raw", "pretrained")), "Unknown model type"),
    (errors.UploadTimeout(12, 10), "The upload was too slow"),
    (errors.BodyTooLarge(20 * 1024 * 1024), "Body or image too large"),
    (errors.UnsupportedFormat(("JPEG", "PNG", "WebP")), "No image of an accepted format"),
    (errors.BrokenImage("The JPEG file is cut off. Send the whole file."), "Malformed upload or broken image"),
    (errors.TooManyConcurrent("requests"), "Too many concurrent requests"),
    (errors.ModelUnavailable("raw"), "Triton is away or starting"),
    (errors.DeadlineExceeded(10), "No answer in time"),
    (errors.FeedbackFull(), "No room for more feedback"),
)
_EXAMPLE_ID = "7f3a90c1d2e4b586"


class Problem(BaseModel):
    """A problem document after RFC 9457."""

    type: str
    title: str = Field(description="The kind of problem.")
    status: int
    detail: str = Field(description="What happened and what to do.")
    request_id: str


def problem(
    status: int, title: str, detail: str, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Make a problem document with the request's id."""
    return Response(orjson.dumps(_document(status, title, detail, request_id)), status, headers, MEDIA_TYPE)


def problem_of(error: Exception, request_id: str, retry_after_seconds: int) -> Response:
    """Make the problem document of an error, as a response."""
    document = document_of(error, request_id)
    status = document["status"]
    headers = {}
    if status in _RETRY_LATER:
        headers["Retry-After"] = str(retry_after_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="bin-it-right"'
    return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)


def document_of(error: Exception, request_id: str) -> dict[str, Any]:
    """Make the problem document of an error; what is no ``GatewayError`` is a fault and tells nothing of itself."""
    status, title = next((_PROBLEMS[kind] for kind in type(error).__mro__ if kind in _PROBLEMS), _FAULT)
    return _document(status, title, _FAULT_DETAIL if status == 500 else str(error), request_id)


def http_problem(status: int, detail: str, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """Make a problem document for what the router or the protocol refuses by itself."""
    return problem(status, HTTPStatus(status).phrase, detail, request_id, headers)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems with these statuses, for FastAPI's ``responses``."""
    described: dict[int | str, dict[str, Any]] = {}
    for error, description in _EXAMPLES:
        example = document_of(error, _EXAMPLE_ID)
        if example["status"] in statuses:
            described[example["status"]] = _described(example, description)
    assert len(described) == len(statuses)
    return described


def problem_response(status: int, title: str, detail: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Describe a problem that is none of an error, for FastAPI's ``responses``."""
    return {status: _described(_document(status, title, detail, _EXAMPLE_ID), description)}


def _document(status: int, title: str, detail: str, request_id: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id}


def _described(example: dict[str, Any], description: str) -> dict[str, Any]:
    # FastAPI would put a model under application/json. The reference is to what the batch's answer brings along.
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    described = {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
    if example["status"] in _RETRY_LATER:
        described["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return described
