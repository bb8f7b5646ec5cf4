"""The pages at / and /docs: plain files, no build step, nothing from another host, no inline script."""

import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import PurePath
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

_WEB, _SWAGGER = "gateway.web", "fastapi_swagger.resources"
# Own files only, no inline script or style; blob: is for the photos that a visitor is about to send.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Swagger UI sets styles from its script and draws with data: images.
_DOCS_POLICY = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace("blob:", "data:")


class _File(NamedTuple):
    package: str
    name: str
    media_type: str
    policy: str = _POLICY


_PAGES: Final = {
    "/": _File(_WEB, "index.html", "text/html"),
    "/docs": _File(_WEB, "docs.html", "text/html", _DOCS_POLICY),
    "/docs/swagger-ui-bundle.js": _File(_SWAGGER, "swagger-ui-bundle.js", "text/javascript"),
    "/docs/swagger-ui.css": _File(_SWAGGER, "swagger-ui.css", "text/css"),
}
# Of the folder web/ everything else with one of these suffixes is served under /web/.
_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
}


def static_router() -> APIRouter:
    """Make the router with the pages and their files."""
    router = APIRouter(include_in_schema=False)
    for path, file in (_PAGES | _parts()).items():
        router.add_api_route(path, _endpoint(file), methods=["GET", "HEAD"])
    return router


def _parts() -> dict[str, _File]:
    names = sorted(entry.name for entry in files(_WEB).iterdir())
    types = ((name, _MEDIA_TYPES.get(PurePath(name).suffix)) for name in names)
    return {f"/web/{name}": _File(_WEB, name, media_type) for name, media_type in types if media_type}


def _endpoint(file: _File) -> Callable[[Request], Awaitable[Response]]:
    content = files(file.package).joinpath(file.name).read_bytes()
    # Asked for again each time, sent again only after an update: nobody runs an old page against a new API.
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": file.policy,
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:16]}"',
    }

    async def serve(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=file.media_type)

    return serve
