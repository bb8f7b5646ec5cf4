"""Killing parts of a running server: what must come back does, and what must go leaves nothing behind."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from tests.support.leftovers import has_left_nothing
from tests.support.running_triton import RunningTriton, name_of
from tests.support.triton_client import ask, encoded
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture
def own_triton(toy_repository: Path, tmp_path: Path) -> Iterator[RunningTriton]:
    """A server of the test's own, on other ports and with other segments than the session's."""
    server = RunningTriton(toy_repository, tmp_path / "server.log")
    yield server
    if server.is_up():
        server.stop()


def leaves_nothing(server: RunningTriton, processes: list[psutil.Process], folders: set[Path]) -> bool:
    gone = has_left_nothing(server.ports, processes, server.prefix)
    return gone and not any(folder.exists() for folder in folders)


def private_folders(server: RunningTriton) -> set[Path]:
    arguments = psutil.Process(server.server_pid).cmdline()
    (folder,) = [word.partition("=")[2] for word in arguments if word.startswith("--backend-directory=")]
    return {Path(folder).resolve().parent}


def end_and_leave_nothing(server: RunningTriton, number: signal.Signals) -> None:
    """End a server's parent by a signal: its processes, ports, segments and folders go too."""
    processes, folders = server.processes(), private_folders(server)
    assert {"tritonserver"} < {name_of(process) for process in processes}
    assert server.segments()
    assert all(folder.exists() for folder in folders)
    assert server.end(number) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert eventually(lambda: leaves_nothing(server, processes, folders))


def test_a_killed_parent_leaves_nothing(own_triton: RunningTriton) -> None:
    own_triton.start_and_wait()
    end_and_leave_nothing(own_triton, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_ending_the_parent_while_models_load_leaves_nothing(own_triton: RunningTriton, number: signal.Signals) -> None:
    own_triton.start()
    assert eventually(lambda: bool(own_triton.segments()[2:]))
    processes, folders = own_triton.processes(), private_folders(own_triton)
    own_triton.end(number)
    assert eventually(lambda: leaves_nothing(own_triton, processes, folders))


def test_a_profile_with_two_backend_processes_of_which_one_is_killed(own_triton: RunningTriton) -> None:
    own_triton.configure(profile="cpu-16")
    own_triton.start_and_wait()
    with InferenceServerClient(own_triton.grpc_url) as client:
        instances = {
            model: sum(group.count for group in client.get_model_config(model).config.instance_group)
            for model in ("preprocess", "raw_cnn")
        }
    assert instances == {"preprocess": 2, "raw_cnn": 1}
    server = own_triton.server_pid
    own_triton.kill_backend("preprocess")
    assert eventually(lambda: not psutil.pid_exists(server))
    own_triton.wait_until_ready()
    assert "A backend process of preprocess has ended" in own_triton.log.read_text()
    end_and_leave_nothing(own_triton, signal.SIGTERM)


def test_a_backend_process_that_stands_still_for_longer_than_triton_bears_is_recovered_from(
    toy_triton: RunningTriton,
) -> None:
    # As on a machine that is paused or overloaded. Triton gives a backend process one second for a sign of life.
    image = encoded(120, 90, 7)
    with InferenceServerClient(toy_triton.grpc_url) as client:
        before = ask(client, "raw", image)
        server, backend = toy_triton.server_pid, toy_triton.backend("raw_cnn")
        backend.suspend()
        try:
            with pytest.raises(InferenceServerException):
                ask(client, "raw", image)
        finally:
            backend.resume()
    assert eventually(lambda: not psutil.pid_exists(server))
    toy_triton.wait_until_ready()
    with InferenceServerClient(toy_triton.grpc_url) as client:
        assert ask(client, "raw", image) == pytest.approx(before, abs=1e-4)


def test_two_servers_live_side_by_side_and_one_ends(toy_triton: RunningTriton, own_triton: RunningTriton) -> None:
    own_triton.start_and_wait()
    image = encoded(120, 90, 8)
    answers = []
    for server in (toy_triton, own_triton):
        with InferenceServerClient(server.grpc_url) as client:
            answers.append(ask(client, "raw", image))
    assert answers[0] == pytest.approx(answers[1], abs=1e-4)
    end_and_leave_nothing(own_triton, signal.SIGINT)
    assert toy_triton.segments()
    with InferenceServerClient(toy_triton.grpc_url) as client:
        assert ask(client, "raw", image) == pytest.approx(answers[0], abs=1e-4)


def test_a_busy_port_is_a_sentence_and_not_a_server(toy_triton: RunningTriton, own_triton: RunningTriton) -> None:
    own_triton.configure(grpc_port=toy_triton.ports[0])
    own_triton.start()
    assert own_triton.join() == 1
    message = own_triton.log.read_text()
    assert message.startswith(f"error: Port {toy_triton.ports[0]} on 127.0.0.1 cannot be used")
    assert "EMBEDDED_TRITON_GRPC_PORT" in message
    assert not own_triton.segments()
