"""The page at /docs: Swagger UI out of an installed package, nothing from another host, no inline script."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

_OWN = "gateway.docs"
_PACKAGE = "fastapi_swagger.resources"
_FILES: Final = {
    "/docs": (_OWN, "page.html", "text/html"),
    "/docs/page.js": (_OWN, "page.js", "text/javascript"),
    "/docs/swagger-ui-bundle.js": (_PACKAGE, "swagger-ui-bundle.js", "text/javascript"),
    "/docs/swagger-ui.css": (_PACKAGE, "swagger-ui.css", "text/css"),
    "/docs/favicon-32x32.png": (_PACKAGE, "favicon-32x32.png", "image/png"),
}
# Swagger UI sets styles from its script and draws with data: images; all else comes from here.
_POLICY: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}


def swagger_router() -> APIRouter:
    """The router with the page and its files."""
    router = APIRouter(include_in_schema=False)
    for path, (package, name, media_type) in _FILES.items():
        router.add_api_route(path, _file(package, name, media_type), methods=["GET"])
    return router


def _file(package: str, name: str, media_type: str) -> Callable[[], Awaitable[Response]]:
    content = files(package).joinpath(name).read_bytes()

    async def serve() -> Response:
        return Response(content, headers=_POLICY, media_type=media_type)

    return serve
