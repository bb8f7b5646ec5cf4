"""What the OpenAPI document says of POST /{model_type}/explain."""

from typing import Any

from gateway.docs.operations import PREDICT, PROBLEMS

LAYERS = ("photo", "heat")

EXPLAIN: dict[str, Any] = {
    "tags": ["Photos"],
    "summary": "Draw where the network looked",
    "operation_id": "explain",
    "responses": {
        200: {
            "description": "A class activation map: bright where the network found signs of the class. It is coarse "
            "(a cell is 32 pixels of the network's input) and smoothed; it does not outline things, and it does not "
            "tell whether the answer is right.",
            "headers": {
                "X-Explained-Class": {
                    "description": "The class that the map is of, percent-encoded.",
                    "schema": {"type": "string"},
                },
                "X-Model-Version": {"description": "As for predictions.", "schema": {"type": "string"}},
            },
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        **PROBLEMS,
    },
    "openapi_extra": {
        **PREDICT["openapi_extra"],
        "parameters": [
            *PREDICT["openapi_extra"]["parameters"],
            {
                "name": "layer",
                "in": "query",
                "description": "`photo`: the map over the photo, at most 640 pixels long. `heat`: the map alone, "
                "square and partly transparent, to be stretched over the photo.",
                "schema": {"type": "string", "enum": list(LAYERS), "default": LAYERS[0]},
            },
            {
                "name": "class",
                "in": "query",
                "description": "The class to look for; by default the predicted one.",
                "schema": {"type": "string"},
            },
        ],
    },
}
