"""Authentication: optional API keys."""

import hmac

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import Scope

from gateway.errors import Unauthorized

_OPEN_PATHS = frozenset({"/", "/openapi.json", "/metrics"})
_OPEN_PREFIXES = ("/health/", "/docs", "/web/")
_SCHEMES = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}


class KeyCheck:
    """Lets a request pass that carries one of the keys; all of them pass where no key is configured.

    Health, metrics, the page and the documentation stay open: probes and browsers cannot send a key.
    """

    def __init__(self, keys: tuple[SecretStr, ...]) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]

    def check(self, scope: Scope) -> None:
        """Let a request pass.

        Raises:
            Unauthorized: It carries none of the keys.
        """
        if not self._keys:
            return
        path: str = scope["path"]
        if path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES):
            return
        given = _given_key(scope)
        # Every key is compared, in constant time: neither a match nor its place shows in how long this takes.
        matches = [hmac.compare_digest(given, key) for key in self._keys]
        if not any(matches):
            raise Unauthorized


def describe_keys(app: FastAPI) -> None:
    """Say in the OpenAPI document of ``app``, which has all its routes, how a key is sent."""
    document = app.openapi()
    document["components"]["securitySchemes"] = _SCHEMES
    document["security"] = [{name: []} for name in _SCHEMES]


def _given_key(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return bytes(value)
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:])
    return b""
