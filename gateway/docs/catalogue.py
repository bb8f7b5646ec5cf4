"""What the OpenAPI document says of GET /models."""

from typing import Any

from gateway.docs.operations import PROBLEMS

_MODEL: dict[str, Any] = {
    "type": "object",
    "required": ["name", "ready", "version", "classes", "confidence_threshold", "metrics", "places", "explains"],
    "properties": {
        "name": {"type": "string", "description": "The model type, as in the URL."},
        "ready": {"type": "boolean", "description": "It answered within the last ten seconds."},
        "version": {"type": ["string", "null"], "description": "As in X-Model-Version; null until it has answered."},
        "classes": {"type": "array", "items": {"type": "string"}, "description": "Empty until it has answered."},
        "confidence_threshold": {
            "type": ["number", "null"],
            "description": "Under it an answer carries X-Confidence: low.",
        },
        "metrics": {
            "type": "object",
            "description": "From the model card, by list of photos and name.",
            "additionalProperties": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "places": {
            "type": ["object", "null"],
            "description": "From the model card: accuracy at other places, their means, and which were held out; "
            "null where that was not measured.",
        },
        "explains": {"type": "boolean", "description": "Whether POST /{model_type}/explain works."},
    },
}
MODELS: dict[str, Any] = {
    "tags": ["Service"],
    "summary": "Which models are there, and how good are they?",
    "operation_id": "models",
    "responses": {
        200: {
            "description": "The models, and what this gateway accepts",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["models", "limits", "feedback"],
                        "properties": {
                            "models": {"type": "array", "items": _MODEL},
                            "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
                            "feedback": {"type": "boolean", "description": "Whether POST /feedback exists."},
                        },
                    },
                    "example": {
                        "models": [
                            {
                                "name": "raw",
                                "ready": True,
                                "version": "1-0123456789ab",
                                "classes": ["glass", "paper", "cardboard", "plastic", "metal", "trash"],
                                "confidence_threshold": 0.5,
                                "metrics": {"test": {"accuracy": 0.5}},
                                "places": None,
                                "explains": True,
                            }
                        ],
                        "limits": {
                            "max_body_bytes": 20971520,
                            "max_pixels": 50000000,
                            "max_batch_body_bytes": 67108864,
                            "max_batch_files": 32,
                        },
                        "feedback": False,
                    },
                }
            },
        },
        401: PROBLEMS[401],
    },
}
