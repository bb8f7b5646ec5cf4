"""The health check of the Triton images, against servers that answer as Triton does."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.unit.deploy.rendering import ROOT

PROBE = ROOT / "scripts/images/probe.py"
Answer = tuple[int, bytes]
Serve = Callable[[Callable[[str, dict[str, object], bytes], Answer]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server whose answers a function makes of path, inference header and image."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[str, dict[str, object], bytes], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                length = int(self.headers["Inference-Header-Content-Length"])
                status, content = answer(self.path, json.loads(body[:length]), body[length:])
                self.send_response(status)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def run(url: str) -> subprocess.CompletedProcess[str]:
    """The probe as a container runs it, with no environment of this project."""
    command = [sys.executable, "-I", str(PROBE), "--url", url, "--timeout", "5"]
    return subprocess.run(
        [*command, "--model-repository", str(ROOT / "model_repository")], capture_output=True, text=True, check=False
    )


def probabilities(*values: float) -> Answer:
    return 200, json.dumps({"outputs": [{"name": "PROBABILITIES", "data": values}]}).encode()


def test_it_asks_every_ensemble_with_the_whole_drawing(serve: Serve) -> None:
    asked: dict[str, tuple[object, bytes]] = {}
    wanted = []

    def answer(path: str, header: dict[str, object], image: bytes) -> Answer:
        asked[path] = (header["inputs"], image)
        wanted.append(header["outputs"])
        return probabilities(0.5, 0.5)

    assert run(serve(answer)).returncode == 0
    assert wanted == [[{"name": "PROBABILITIES"}]] * 2
    drawing = (ROOT / "model_repository/preprocess/warmup/drawing.jpg").read_bytes()
    # raw_explain and pretrained_explain have the same steps.
    assert set(asked) == {"/v2/models/raw/infer", "/v2/models/pretrained/infer"}
    for inputs, image in asked.values():
        assert image == drawing
        assert inputs == [
            {
                "name": "IMAGE",
                "datatype": "UINT8",
                "shape": [1, len(drawing)],
                "parameters": {"binary_data_size": len(drawing)},
            }
        ]


def test_a_full_queue_is_a_living_server(serve: Serve) -> None:
    url = serve(lambda *_: (503, b'{"error":"Exceeds maximum queue size"}'))
    assert run(url).returncode == 0


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((500, b'{"error":"Stub process is not healthy"}'), "answers 500: "),
        ((503, b'{"error":"Server is stopping"}'), "answers 503: "),
        (probabilities(0.1, 0.1), "answers with no probabilities"),
        (probabilities(float("nan"), 0.1), "answers with no probabilities"),
        ((200, b"<html>"), "does not answer"),
        ((200, b"{}"), "does not answer"),
    ],
)
def test_anything_else_is_not(serve: Serve, answer: Answer, sentence: str) -> None:
    result = run(serve(lambda *_: answer))
    assert result.returncode == 1
    assert sentence in result.stderr


def test_nobody_there() -> None:
    result = run("http://127.0.0.1:9")
    assert result.returncode == 1
    assert "does not answer" in result.stderr
