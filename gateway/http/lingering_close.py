"""Lets the client read an answer that was given before its upload had arrived."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

_DRAIN_SECONDS = 5.0


class LingeringExchange:
    """Receive and send of one request; where the answer comes before the end of the body, drops the rest of it.

    A socket that is closed while unread bytes wait in it is reset, and clients that send before they read would see
    the reset instead of the answer (RFC 9112, section 9.6). So the answer goes out with `Connection: close`, what
    still comes is dropped for some seconds, and then the connection ends.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._body_ended = not _has_body(scope)
        self._lingers = False

    async def receive(self) -> Message:
        """Return the next part of the body."""
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._body_ended = True
        return message

    async def send(self, message: Message) -> None:
        """Send the next part of the answer."""
        if message["type"] == "http.response.start" and not self._body_ended:
            self._lingers = True
            message["headers"].append((b"connection", b"close"))
        if not self._lingers or message["type"] != "http.response.body" or message.get("more_body", False):
            await self._send(message)
            return
        await self._send({"type": "http.response.body", "body": message.get("body", b""), "more_body": True})
        await self._drop_rest()
        await self._send({"type": "http.response.body", "body": b""})

    async def _drop_rest(self) -> None:
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self._body_ended:
                    await self.receive()
        except TimeoutError:
            self._body_ended = True


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
