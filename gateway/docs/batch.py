"""What the OpenAPI document says of POST /{model_type}/predict/batch."""

from typing import Any

from gateway.docs.operations import PREDICT, PREDICTION_EXAMPLE, PROBLEMS

MAX_FILES = 32

_RESULT: dict[str, Any] = {
    "oneOf": [
        {
            "type": "object",
            "required": ["prediction", "not_sure"],
            "additionalProperties": False,
            "properties": {"prediction": {"$ref": "#/components/schemas/Prediction"}, "not_sure": {"type": "boolean"}},
        },
        {
            "type": "object",
            "required": ["problem"],
            "additionalProperties": False,
            "properties": {"problem": {"$ref": "#/components/schemas/Problem"}},
        },
    ]
}
_PROBLEM_EXAMPLE = PROBLEMS[415]["content"]["application/problem+json"]["example"]

PREDICT_BATCH: dict[str, Any] = {
    "tags": ["Photos"],
    "summary": f"Classify up to {MAX_FILES} photos of waste",
    "operation_id": "predict_batch",
    "responses": {
        200: {
            "description": "An answer or a problem for each photo, in their order",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["results"],
                        "additionalProperties": False,
                        "properties": {"results": {"type": "array", "maxItems": MAX_FILES, "items": _RESULT}},
                    },
                    "example": {
                        "results": [
                            {"prediction": PREDICTION_EXAMPLE, "not_sure": False},
                            {"problem": _PROBLEM_EXAMPLE},
                        ]
                    },
                }
            },
        },
        **{status: PROBLEMS[status] for status in (401, 404, 408, 413, 422, 429)},
    },
    "openapi_extra": {
        "parameters": PREDICT["openapi_extra"]["parameters"],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": MAX_FILES,
                                "items": {"type": "string", "format": "binary"},
                            }
                        },
                    },
                    "encoding": {"file": {"contentType": "image/*"}},
                }
            },
        },
    },
}
