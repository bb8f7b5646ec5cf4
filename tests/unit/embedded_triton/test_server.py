"""When a server counts as ready, as failed, and as no longer whole; Triton itself is a script here."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_triton import server as module
from embedded_triton.errors import ServerStartError
from embedded_triton.process.backend_processes import BackendProcesses
from embedded_triton.process.probe import ProbeError
from embedded_triton.process.process_table import arguments_of
from embedded_triton.server import Server
from embedded_triton.settings import Settings

STARTING = ProbeError("raw answers: failed to connect", may_be_starting=True)
UNHEALTHY = ProbeError("raw answers: Stub process 'raw_cnn_0_0' is not healthy.")


class ScriptedProbe:
    """Raises or passes as scripted, and passes when the script is at its end."""

    def __init__(self, *script: ProbeError | None) -> None:
        self.script = list(script)

    def __call__(self, _timeout: float) -> None:
        if self.script and (fault := self.script.pop(0)):
            raise fault


class Running:
    """What the server needs of a managed process."""

    stdout = None

    def poll(self) -> None:
        """It runs."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, repository: Path) -> Server:
    monkeypatch.setattr(module, "_FIRST_TRY", 0.001)
    monkeypatch.setattr(module, "_RETRY", 0.001)
    settings = Settings(model_repository=repository, start_timeout=60, probe_failures=2)
    server = Server(settings, log=None, report=lambda _sentence: None)
    server._process = Running()  # type: ignore[assignment]
    return server


@pytest.fixture
def backend(server: Server, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the arguments of a backend's."""
    server._backends = BackendProcesses(f"{tmp_path.name}-", {"raw_cnn": 1})
    file = tmp_path / "raw_cnn" / "1" / "model.pt"
    program = "import time; print('up', flush=True); time.sleep(600)"
    file.parent.mkdir(parents=True)
    file.write_text(program)
    process = subprocess.Popen([sys.executable, str(file), f"{tmp_path.name}-segment"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as stream:
        stream.readline()
    yield process
    process.kill()
    process.wait()


def test_a_server_that_is_still_starting_is_waited_for(server: Server) -> None:
    server._ask = ScriptedProbe(*[STARTING] * 20)  # type: ignore[assignment]
    assert server.wait_until_ready(threading.Event())


def test_a_server_that_answers_with_errors_is_not_waited_for(server: Server) -> None:
    server._ask = ScriptedProbe(STARTING, UNHEALTHY, UNHEALTHY)  # type: ignore[assignment]
    with pytest.raises(ServerStartError, match="started, but raw answers: Stub process 'raw_cnn_0_0' is not healthy"):
        server.wait_until_ready(threading.Event())


def test_one_error_while_it_starts_is_forgiven(server: Server) -> None:
    server._ask = ScriptedProbe(UNHEALTHY, STARTING, UNHEALTHY)  # type: ignore[assignment]
    assert server.wait_until_ready(threading.Event())


@pytest.mark.parametrize("noted", [True, False], ids=["waited for", "a zombie"])
def test_a_lost_backend_process_is_noticed_though_another_answers(
    server: Server, backend: subprocess.Popen[bytes], noted: bool
) -> None:
    server._ask = ScriptedProbe()  # type: ignore[assignment]
    assert server.wait_until_ready(threading.Event())
    assert server.lost() is None
    backend.kill()
    for _ in range(400):
        if not arguments_of(backend.pid):
            break
        threading.Event().wait(0.05)
    if noted:
        backend.wait()
    assert server.lost() == "A backend process of raw_cnn has ended"


def test_a_backend_process_that_died_before_the_first_answer_is_missed(
    server: Server, backend: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    server._ask = ScriptedProbe()  # type: ignore[assignment]
    assert server.wait_until_ready(threading.Event())
    server._backends = BackendProcesses(f"{tmp_path.name}-", {"raw_cnn": 2})
    with pytest.raises(ServerStartError, match="started, but a backend process of raw_cnn has ended"):
        server.wait_until_ready(threading.Event())
