"""What the OpenAPI document says of POST /feedback, where it is switched on."""

from typing import Any

from gateway.docs.operations import PREDICT, PROBLEMS, problem_response

FEEDBACK: dict[str, Any] = {
    "tags": ["Photos"],
    "summary": "Keep a photo that was judged wrongly, to learn from it",
    "operation_id": "feedback",
    "status_code": 204,
    "responses": {
        204: {"description": "The photo is kept under this class"},
        **{status: PROBLEMS[status] for status in (401, 408, 413, 415, 422, 429, 503)},
        507: problem_response(507, "The folder is full", "Feedback is full", "No more feedback can be kept."),
    },
    "openapi_extra": {
        "parameters": [
            {
                "name": "label",
                "in": "query",
                "required": True,
                "description": "The class that the photo really shows.",
                "schema": {"type": "string"},
                "example": "glass",
            }
        ],
        "requestBody": PREDICT["openapi_extra"]["requestBody"],
    },
}
