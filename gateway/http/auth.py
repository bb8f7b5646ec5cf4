"""Who may: optional API keys."""

import hmac

from pydantic import SecretStr
from starlette.types import Scope

from gateway.errors import Unauthorized

_OPEN_PATHS = frozenset({"/", "/openapi.json", "/metrics"})
_OPEN_PREFIXES = ("/health/", "/docs", "/web/")


class KeyCheck:
    """Lets a request pass that carries one of the keys; all of them pass where no key is configured.

    Health, metrics, the page and the documentation stay open: probes and browsers can not send a key.
    """

    def __init__(self, keys: tuple[SecretStr, ...]) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]

    def check(self, scope: Scope) -> None:
        """Raises `Unauthorized`."""
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


def _given_key(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return bytes(value)
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:])
    return b""
