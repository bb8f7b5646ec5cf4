"""The Python client before a server that replies as no healthy gateway would."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.client import Client, Refused, Unreachable
from tests.support.pictures import bottle, encode

PHOTO = encode(bottle(), "JPEG")


class Replying(BaseHTTPRequestHandler):
    """Replies in turn as the test wants; None closes the connection without a word."""

    protocol_version = "HTTP/1.1"
    replies: Iterator[tuple[int, dict[str, str], bytes] | None]
    asked: list[dict[str, str]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"] or 0))
        self.asked.append(dict(self.headers))
        reply = next(self.replies)
        if reply is None:
            self.close_connection = True
            return
        status, headers, body = reply
        self.send_response(status)
        for name, value in (headers | {"content-length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        pass


Replies = Iterable[tuple[int, dict[str, str], bytes] | None]
GLASS = 200, {"X-Confidence": "low"}, b'{"pred_class":"glass","classes":{"glass":0.4}}'


@contextmanager
def replying(replies: Replies) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server with these replies: its URL, and the headers of the requests that it gets."""
    asked: list[dict[str, str]] = []
    handler = type("Handler", (Replying,), {"asked": asked, "replies": iter(replies)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_lost_connection_is_asked_again() -> None:
    with replying([None, GLASS]) as (url, asked), Client(f"{url}/below/", api_key="secret", patience=20) as client:
        answer = client.predict("raw", PHOTO)
    assert (answer.pred_class, answer.not_sure, answer.confidence) == ("glass", True, 0.4)
    assert [headers["X-API-Key"] for headers in asked] == ["secret"] * 2


CALLS: dict[str, Callable[[Client], object]] = {
    "models": lambda client: client.models(),
    "predict": lambda client: client.predict("raw", PHOTO),
    "explain": lambda client: client.explain("raw", PHOTO),
    "batch": lambda client: list(client.predict_batch("raw", [PHOTO])),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(200, b"<html>", Unreachable), (200, b"[]", Unreachable), (200, b"{}", Unreachable), (502, b"<html>", Refused)],
)
def test_what_is_no_gateway_is_told_apart(call: str, status: int, body: bytes, error: type[Exception]) -> None:
    with (
        replying(itertools.repeat((status, {}, body))) as (url, _),
        Client(url, patience=0) as client,
        pytest.raises(error, match=r"gateway of this project|proxy"),
    ):
        CALLS[call](client)


@pytest.mark.parametrize(("after", "asked_times"), [("0", 3), ("3600", 1), ("Mon, 30 Nov 2026 12:00:00 GMT", 1)])
def test_retry_after_decides(after: str, asked_times: int) -> None:
    busy = 503, {"Retry-After": after}, b'{"title":"Busy","detail":"Come again.","status":503}'
    with replying([busy, busy, GLASS]) as (url, asked), Client(url, patience=0.9) as client:
        if after == "0":
            assert client.predict("raw", PHOTO).pred_class == "glass"
        else:
            with pytest.raises(Refused, match=r"Busy\. Come again\."):
                client.predict("raw", PHOTO)
    assert len(asked) == asked_times
