"""The OpenAPI document: what FastAPI makes of the routes, and what depends on the settings."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.docs.operations import PREDICTION_SCHEMA, PROBLEM_SCHEMA
from gateway.settings import Settings

DESCRIPTION = """Tells which bin a piece of waste belongs to.

Every error is a problem document (RFC 9457); `detail` says what to do. Quote the `X-Request-ID` when you report one.
There is [a page for people](/), and `GET /metrics` in Prometheus's format."""

_SECURITY_SCHEMES = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}


def openapi_document(app: FastAPI, settings: Settings) -> dict[str, Any]:
    """The document: it names the served model types, and the API key where there are some."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update({"Problem": PROBLEM_SCHEMA, "Prediction": PREDICTION_SCHEMA})
    if settings.api_keys:
        components["securitySchemes"] = _SECURITY_SCHEMES
        document["security"] = [{name: []} for name in _SECURITY_SCHEMES]
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "model_type":
                    parameter["schema"]["enum"] = list(settings.model_types)
    return document
