"""`make run` as a person sees it: one command, a curl line that works, and nothing left however it ends."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from embedded_triton.launch import free_ports
from tests.support.leftovers import has_left_nothing
from tests.support.plain_process import ROOT
from tests.support.random_weights import write_random_weights
from tests.support.running_triton import name_of
from tests.support.toy_repository import write_own_repository
from tests.support.waiting import eventually
from training.dataset.classes import read_classes
from training.evaluate.card import weights_path
from training.export.repository import networks_of, write_repository
from training.export.torchscript import ensure_exported
from training.models.model_types import NETWORK_MODELS

pytestmark = pytest.mark.e2e


class Serving:
    """One `bin-it-right serve` on free ports, and what it printed."""

    def __init__(self, model_repository: Path, folder: Path, *options: str) -> None:
        self.port, *self.triton_ports = free_ports(4)
        self.prefix = f"test-serve-{os.getpid()}-{self.port}"
        self.printed = folder / "printed.txt"
        options = (f"--port={self.port}", f"--logs={folder / 'logs'}", *options)
        self.command = [sys.executable, "-m", "scripts.cli.main", "serve", *options]
        names = ("GRPC_PORT", "HTTP_PORT", "METRICS_PORT")
        ports = {f"EMBEDDED_TRITON_{name}": str(port) for name, port in zip(names, self.triton_ports, strict=True)}
        self._environment = os.environ | ports | {
            "EMBEDDED_TRITON_MODEL_REPOSITORY": str(model_repository),
            "EMBEDDED_TRITON_SHARED_MEMORY_PREFIX": self.prefix,
        }  # fmt: skip
        self._seen: set[psutil.Process] = set()
        self.process: subprocess.Popen[bytes]

    def launch(self, command: list[str] | None = None) -> None:
        with self.printed.open("wb") as output:
            self.process = subprocess.Popen(
                command or self.command, stdout=output, stderr=output, cwd=ROOT, env=self._environment
            )

    def says(self, text: str) -> bool:
        """Wait until it has printed ``text``; False where it ended before."""
        return eventually(lambda: text in self.printed.read_text() or self.process.poll() is not None) and (
            text in self.printed.read_text()
        )

    def look(self) -> set[str]:
        """Note all processes that belong to it, and return their names."""
        parent = psutil.Process(self.process.pid)
        self._seen |= {parent, *parent.children(recursive=True)}
        return {name for process in self._seen if process.is_running() and (name := name_of(process))}

    def has_left_nothing(self) -> bool:
        return has_left_nothing((self.port, *self.triton_ports), self._seen, self.prefix)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model repository with one small network, exported, and the folder of its weights."""
    folder = tmp_path_factory.mktemp("small")
    repository = write_own_repository(folder / "model_repository", read_classes())
    weights = write_random_weights("raw", folder / "weights", repository)
    write_repository(repository, weights, networks_of(weights))
    ensure_exported(repository, weights, networks_of(weights))
    return repository, weights


@pytest.fixture
def serving(small: tuple[Path, Path], tmp_path: Path) -> Iterator[Serving]:
    """The service on the small network, not yet launched."""
    repository, weights = small
    with ended(Serving(repository, tmp_path, f"--weights={weights}")) as server:
        yield server


@contextmanager
def ended(server: Serving) -> Iterator[Serving]:
    """Kill what is left after a test; then nothing may be left."""
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
    assert eventually(server.has_left_nothing)


@pytest.mark.skipif(
    not all(weights_path(model).exists() for model in NETWORK_MODELS),
    reason="the released weights are missing in training/weights: `make run` has nothing to export",
)
def test_the_printed_lines_are_true_and_ctrl_c_leaves_nothing(model_repository: Path, tmp_path: Path) -> None:
    with ended(Serving(model_repository, tmp_path)) as serving:
        serving.launch()
        assert serving.says("Ctrl-C stops everything."), serving.printed.read_text()
        assert "tritonserver" in serving.look()
        printed = serving.printed.read_text()
        assert "the models are up to date" in printed
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed: the line that is printed cannot be tried")
        (start,) = [position for position in [printed.find("curl ")] if position >= 0]
        words = shlex.split(printed[start:].split("\n\n")[0].replace("\\\n", " "))
        answer = json.loads(subprocess.run([*words, "--silent", "--fail"], capture_output=True, check=True).stdout)
        assert sorted(answer) == ["classes", "pred_class"]
        assert answer["pred_class"] == max(answer["classes"], key=answer["classes"].get)
        (docs,) = {word for word in printed.split() if word.endswith("/docs")}
        with urllib.request.urlopen(docs) as page:
            assert page.status == 200
        serving.process.send_signal(signal.SIGINT)
        assert serving.process.wait() == 0
        assert serving.has_left_nothing()
        assert "Traceback" not in serving.printed.read_text()
        assert "nothing is left running" in serving.printed.read_text()


@pytest.mark.parametrize("moment", ["Export", "Gateway"])
def test_killing_it_at_bad_moments_leaves_nothing(serving: Serving, moment: str) -> None:
    serving.launch()
    assert serving.says(moment), serving.printed.read_text()
    serving.look()
    serving.process.kill()
    assert serving.process.wait() == -signal.SIGKILL
    assert eventually(serving.has_left_nothing)


def test_a_second_ctrl_c_hurries_and_leaves_nothing(serving: Serving) -> None:
    serving.launch()
    assert serving.says("Export"), serving.printed.read_text()
    assert eventually(lambda: "tritonserver" in serving.look())
    for _ in range(2):
        serving.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    # Where all is stopped before the second signal comes, that one meets an interpreter that is going down.
    assert serving.process.wait() in {0, -signal.SIGINT}
    assert eventually(serving.has_left_nothing)


def test_it_ends_with_the_process_that_started_it(serving: Serving) -> None:
    code = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    serving.launch([sys.executable, "-c", code, *serving.command, "--stop-with-parent"])
    assert serving.says("Export"), serving.printed.read_text()
    assert eventually(lambda: "tritonserver" in serving.look())
    serving.process.kill()
    assert eventually(serving.has_left_nothing)


def test_busy_ports_are_one_message_before_anything_starts(tmp_path: Path) -> None:
    serving = Serving(tmp_path / "read by nobody", tmp_path)
    busy = (serving.port, serving.triton_ports[0])
    with socket.create_server(("127.0.0.1", busy[0])), socket.create_server(("127.0.0.1", busy[1])):
        serving.launch()
        assert serving.process.wait() == 1
    printed = serving.printed.read_text()
    assert printed.startswith(f"error: Port {busy[0]} on 127.0.0.1 cannot be used")
    assert f"Port {busy[1]} on 127.0.0.1 cannot be used" in printed
    assert "choose PORT=… EMBEDDED_TRITON_GRPC_PORT=…" in printed
    assert "Traceback" not in printed
