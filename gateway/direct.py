"""A route for an endpoint that takes the request as it is."""

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send


class DirectRoute(APIRoute):
    """Calls its endpoint with the parameters of the path, as text, and the request; it returns the response.

    FastAPI documents such a route as any other. What it does before and after a call, to find and to check what an
    endpoint asks for, would be a fifth of the gateway's work for a photo (docs/experiments.md, 2026-11-28).
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request of this route's path, 405 where its method is another."""
        methods = self.methods or set()
        if scope["method"] not in methods:
            raise HTTPException(405, headers={"Allow": ", ".join(methods)})
        response = await self.endpoint(**scope["path_params"], request=Request(scope, receive, send))
        await response(scope, receive, send)
