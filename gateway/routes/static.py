"""The page at /: plain files out of `gateway/web`, no build step, nothing from another host."""

import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

_FILES: Final = {
    "/": ("index.html", "text/html"),
    "/web/app.js": ("app.js", "text/javascript"),
    "/web/api.js": ("api.js", "text/javascript"),
    "/web/card.js": ("card.js", "text/javascript"),
    "/web/drop.js": ("drop.js", "text/javascript"),
    "/web/scale.js": ("scale.js", "text/javascript"),
    "/web/style.css": ("style.css", "text/css"),
    "/web/icon.svg": ("icon.svg", "image/svg+xml"),
    "/web/drawn_bottle.webp": ("drawn_bottle.webp", "image/webp"),
    "/web/drawn_box.webp": ("drawn_box.webp", "image/webp"),
    "/web/drawn_can.webp": ("drawn_can.webp", "image/webp"),
}
# Own files only, no inline script or style; blob: is for the photos that a visitor is about to send.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_router() -> APIRouter:
    """The router with the page and its files."""
    router = APIRouter(include_in_schema=False)
    for path, (name, media_type) in _FILES.items():
        router.add_api_route(path, _file(name, media_type), methods=["GET", "HEAD"])
    return router


def _file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    content = files("gateway.web").joinpath(name).read_bytes()
    # Asked for again each time, sent again only after an update: nobody runs an old page against a new API.
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:16]}"',
    }

    async def serve(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)

    return serve
