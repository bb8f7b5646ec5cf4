"""What the OpenAPI document says of each path, with examples of answers and problems."""

from typing import Any

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "A problem document after RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do."},
        "request_id": {"type": "string"},
    },
}
PREDICTION_SCHEMA: dict[str, Any] = {
    "title": "Prediction",
    "type": "object",
    "required": ["pred_class", "classes"],
    "additionalProperties": False,
    "properties": {
        "pred_class": {"type": "string", "description": "The most probable class."},
        "classes": {
            "type": "object",
            "description": "The probability of each class; they sum to 1.",
            "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
        },
    },
}
PREDICTION_EXAMPLE = {
    "pred_class": "metal",
    "classes": {
        "glass": 4.2e-06,
        "paper": 0.0145,
        "cardboard": 1.6e-05,
        "plastic": 2.7e-05,
        "metal": 0.9855,
        "trash": 3.6e-06,
    },
}
_RETRY_AFTER = {"Retry-After": {"description": "Whole seconds to wait.", "schema": {"type": "integer"}}}
PREDICTION_HEADERS = {
    "X-Request-ID": {"description": "The request's own id, or a new one.", "schema": {"type": "string"}},
    "Server-Timing": {"description": "Milliseconds: validate, triton, total.", "schema": {"type": "string"}},
    "X-Model-Version": {"description": "Triton's version number and a digest.", "schema": {"type": "string"}},
    "X-Confidence": {"description": "`low` where the answer is not sure.", "schema": {"type": "string"}},
}


def problem_response(
    status: int, description: str, title: str, detail: str, headers: dict[str, Any] | None = None
) -> Any:
    example = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": "7f3a90c1d2e4b586",
    }
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {"description": description, "content": content} | ({"headers": headers} if headers else {})


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: problem_response(
        401, "API key missing or wrong", "API key missing or wrong", "Send one of the configured API keys."
    ),
    404: problem_response(
        404,
        "Unknown model type",
        "Unknown model type",
        "There is no model type 'resnet'. Known model types: raw, pretrained.",
    ),
    408: problem_response(408, "The upload was too slow", "Upload too slow", "Only 12 bytes arrived in 10 seconds."),
    413: problem_response(413, "Body or image too large", "Body too large", "The body is larger than 20971520 bytes."),
    415: problem_response(
        415,
        "No image of an accepted format",
        "Not an accepted image format",
        "The file is no image of an accepted format. Accepted formats: JPEG, PNG, WebP.",
    ),
    422: problem_response(
        422, "Malformed upload or broken image", "Broken image", "The JPEG file is cut off. Send the whole file."
    ),
    429: problem_response(
        429, "Too much in flight", "Too many requests in flight", "Send the request again later.", _RETRY_AFTER
    ),
    503: problem_response(503, "Triton is away or starting", "Model unavailable", "Try again later.", _RETRY_AFTER),
    504: problem_response(504, "No answer in time", "Deadline exceeded", "There was no answer within 10 seconds."),
}

_PARAMETERS = [
    {
        "name": "X-Request-Timeout",
        "in": "header",
        "description": "Seconds that the client waits for the answer; the gateway's deadline is the longest.",
        "schema": {"type": "number", "exclusiveMinimum": 0},
    },
    {
        "name": "X-Request-ID",
        "in": "header",
        "description": "An id to find the request by in logs and answers; else one is made.",
        "schema": {"type": "string"},
    },
]

PREDICT: dict[str, Any] = {
    "tags": ["Photos"],
    "summary": "Classify a photo of waste",
    "operation_id": "predict",
    "responses": {
        200: {
            "description": "The most probable class and the probability of each",
            "headers": PREDICTION_HEADERS,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Prediction"},
                    "example": PREDICTION_EXAMPLE,
                }
            },
        },
        **PROBLEMS,
    },
    "openapi_extra": {
        "parameters": _PARAMETERS,
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    },
                    "encoding": {"file": {"contentType": "image/*"}},
                }
            },
        },
    },
}

_STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}


def _health(description: str, example: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _STATUS, "example": example}}}


LIVE: dict[str, Any] = {
    "tags": ["Service"],
    "summary": "Is the process serving?",
    "operation_id": "live",
    "responses": {200: _health("It is", {"status": "live"})},
    "openapi_extra": {"security": []},
}
READY: dict[str, Any] = {
    "tags": ["Service"],
    "summary": "Did every model answer lately?",
    "operation_id": "ready",
    "responses": {
        200: _health("They did", {"status": "ready", "models": ["raw", "pretrained"]}),
        503: problem_response(
            503, "They did not", "Not ready", "No answer within the last ten seconds from: raw. Look at Triton."
        ),
    },
    "openapi_extra": {"security": []},
}
