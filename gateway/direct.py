"""The straight way to the endpoint that answers nearly all requests."""

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send


class StraightTo:
    """Calls the endpoints of one router with the parameters of the path, as text, and the request.

    FastAPI documents these routes as any others, and refuses other methods. What it does around a call, to find the
    route and what its endpoint asks for, is left out (docs/experiments.md, 2026-11-28, says what that saves).
    """

    def __init__(self, app: ASGIApp, router: APIRouter) -> None:
        """All other requests are for `app`. The endpoints of `router` return responses."""
        self._app = app
        self._routes = [route for route in router.routes if isinstance(route, APIRoute)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "http":
            for route in self._routes:
                match, found = route.matches(scope)
                if match is Match.FULL:
                    response = await route.endpoint(**found["path_params"], request=Request(scope, receive, send))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)
