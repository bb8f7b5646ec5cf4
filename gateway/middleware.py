"""Around every request: its id, the API key, and a problem document for each error that comes out of it."""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import GatewayError
from gateway.keys import KeyCheck
from gateway.lingering import LingeringExchange
from gateway.problems import problem_of
from gateway.requests import open_context

log = structlog.get_logger(__name__)


class RequestMiddleware:
    """The outermost layer. Plain ASGI: it costs microseconds and does not buffer."""

    def __init__(self, app: ASGIApp, keys: KeyCheck, retry_after_seconds: int) -> None:
        self._app = app
        self._keys = keys
        self._retry_after_seconds = retry_after_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = open_context(scope)
        exchange = LingeringExchange(scope, receive, send)
        answering = False

        async def send_with_id(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                message["headers"].append((b"x-request-id", context.id.encode()))
            await exchange.send(message)

        try:
            self._keys.check(scope)
            await self._app(scope, exchange.receive, send_with_id)
        except Exception as error:
            if answering:
                raise
            if not isinstance(error, GatewayError):
                log.exception("fault", request_id=context.id)
            response = problem_of(error, context.id, self._retry_after_seconds)
            await response(scope, exchange.receive, send_with_id)
