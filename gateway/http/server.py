"""uvicorn, configured for the gateway, and its orderly end."""

import asyncio
from dataclasses import dataclass
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from gateway.http.protocol import protocol_for
from gateway.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lifecycle:
    """Set by the server, read by the readiness."""

    stopping: bool = False


class GatewayServer(uvicorn.Server):
    """Stops in three steps at SIGTERM or SIGINT.

    First it reports that it is not ready and serves on, so that load balancers turn away (``drain_seconds``). Then
    it stops listening and answers the running requests (``grace_seconds``). Then it ends, with status 0. A second
    signal skips the first step.
    """

    def __init__(self, app: ASGIApp, settings: Settings, lifecycle: Lifecycle) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                loop="uvloop",
                http=protocol_for(settings),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nothing here asks who the client is
                timeout_keep_alive=settings.keep_alive_seconds,
                timeout_graceful_shutdown=settings.grace_seconds,
            )
        )
        self._drain_seconds = settings.drain_seconds
        self._lifecycle = lifecycle

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal. uvicorn's own would raise the signal again at the end, and the status not be 0."""
        if self._lifecycle.stopping or not self._drain_seconds:
            self._lifecycle.stopping = True
            self.should_exit = True
            return
        self._lifecycle.stopping = True
        log.info("draining", seconds=self._drain_seconds)
        asyncio.get_running_loop().call_later(self._drain_seconds, self._exit)

    def _exit(self) -> None:
        self.should_exit = True
