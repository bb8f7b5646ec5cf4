"""Asking a server about many photos: a small HTTP server of the test's own stands for the gateway."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from scripts.evaluate_server import __main__ as command
from scripts.evaluate_server.places import measure_places
from scripts.evaluate_server.predictions import request_predictions
from scripts.evaluate_server.serving import is_ready, served
from training.dataset.entries import Entry

CLASSES = ("cup", "plate")


class _Gateway(BaseHTTPRequestHandler):
    """Refuses every third request as busy; answers with a probability that the photo's own bytes decide."""

    requests = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        self._send(200, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            type(self).requests += 1
            busy = self.requests % 3 == 0
        if busy:
            self._send(429, b"{}", retry="0")
        elif b"refuse me" in body:
            self._send(422, b'{"status": 422, "title": "Broken image", "detail": "broken"}')
        else:
            share = int(body.split(b"photo ")[1].split(b".")[0]) / 100
            self._send(200, json.dumps({"pred_class": "x", "classes": {"plate": 1 - share, "cup": share}}).encode())

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def _send(self, status: int, body: bytes, retry: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if retry is not None:
            self.send_header("Retry-After", retry)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_answers_stand_in_the_order_of_the_photos_though_the_server_is_busy(url: str) -> None:
    entries = [Entry(f"photo {number}.".encode(), "cup", f"{number}.jpg") for number in range(40)]
    answers = request_predictions(url, "raw", entries, CLASSES)
    np.testing.assert_allclose(answers[:, 0], np.arange(40) / 100)
    np.testing.assert_allclose(answers.sum(axis=1), 1)


def test_places_are_asked_of_the_server(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = SimpleNamespace(classes=CLASSES, calibration=SimpleNamespace(confidence_threshold=0.75))
    monkeypatch.setattr("scripts.evaluate_server.places.read_card", lambda _: card)
    street = [Entry(f"photo {share}.".encode(), "cup", "x.jpg") for share in (10, 60, 90)]
    report = measure_places(url, "raw", {"street": street}, ["street"])
    assert report["places"]["street"]["accuracy"] == pytest.approx(2 / 3)
    assert report["held_out_mean"]["right_when_sure"] == pytest.approx(1 / 2)
    assert "street *" in capsys.readouterr().out


def test_a_refused_photo_is_named_with_the_reason(url: str) -> None:
    with pytest.raises(ValueError, match=r"bad\.jpg was refused with 422: .*broken"):
        request_predictions(url, "raw", [Entry(b"refuse me", "cup", "bad.jpg")], CLASSES)


def test_a_server_that_answers_already_is_used(url: str) -> None:
    assert is_ready(url)
    with served(url) as used:
        assert used == url


def test_nothing_is_started_for_another_machine() -> None:
    with pytest.raises(ValueError, match="nothing is ready"), served("http://127.0.0.2:1"):
        pass


def test_an_unreachable_server_is_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"No server answers at http://127.0.0.1:1"):
        request_predictions("http://127.0.0.1:1", "raw", [Entry(b"photo 1.", "cup", "x.jpg")], CLASSES, patience=0)


def test_the_command_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nowhere"]) == 1
    assert "nowhere is neither a folder" in capsys.readouterr().err


def test_disagreement_is_a_status(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(command, "read_entries", lambda *_: [])
    for difference, changed, status in ((0.002, 0, 0), (0.05, 2, 0), (0.2, 0, 1), (0.002, 3, 1)):
        result = {"model_type": "raw", "photos": 431, "largest_difference": difference, "changed_classes": changed}
        monkeypatch.setattr(command, "measure", lambda *_, result=result: result)
        assert command.main(["somewhere", "--url", url]) == status
        line = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert line["agree"] is (status == 0)
