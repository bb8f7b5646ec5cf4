"""When a server is restarted, and when it is given up."""

import threading
from collections.abc import Callable

import pytest

from embedded_triton.errors import ServerStartError
from embedded_triton.process.probe import ProbeError
from embedded_triton.settings import Settings
from embedded_triton.supervisor import Supervisor


class ScriptedServer:
    """A server whose answers are scripted; it writes down what happens to it."""

    def __init__(self, probes: list[bool], *, start_fails: tuple[int, ...] = ()) -> None:
        self.probes = probes
        self.start_fails = start_fails
        self.events: list[str] = []
        self.running = False
        self.exhausted = threading.Event()

    @property
    def starts(self) -> int:
        return self.events.count("start")

    def start(self) -> None:
        self.events.append("start")
        self.running = True

    def wait_until_ready(self, stop: threading.Event) -> bool:
        if self.starts in self.start_fails:
            raise ServerStartError("It ended.", "Look at the log.")
        return not stop.is_set()

    def lost(self) -> str | None:
        return None if self.running else "A backend process of raw_cnn has ended"

    def probe(self, _timeout: float, /) -> None:
        if not self.probes:
            self.exhausted.set()
            return
        if not self.probes.pop(0):
            raise ProbeError("raw answers: Stub process is not healthy")

    def terminate(self) -> None:
        self.events.append("terminate")

    def kill(self) -> None:
        self.events.append("kill")

    def stop(self) -> None:
        self.events.append("stop")
        self.running = False


@pytest.fixture
def supervise() -> object:
    """Run a supervisor over a scripted server until the script is exhausted; return its reports."""

    def run(server: ScriptedServer) -> list[str]:
        reports: list[str] = []
        supervisor = supervisor_of(server, reports.append)
        supervisor.start()
        try:
            assert supervisor.wait_until_ready(threading.Event())
            assert server.exhausted.wait(60)
        finally:
            supervisor.stop(threading.Event())
        return reports

    return run


def supervisor_of(server: ScriptedServer, report: Callable[[str], None] = lambda _sentence: None) -> Supervisor:
    return Supervisor(server, Settings(probe_interval=0.01, probe_timeout=1, probe_failures=2), report=report)


def test_one_failed_probe_is_no_reason_to_restart(supervise: Callable[[ScriptedServer], list[str]]) -> None:
    server = ScriptedServer([True, False, True, False, True])
    assert supervise(server) == []
    assert server.starts == 1


def test_failed_probes_in_a_row_restart_and_say_why(supervise: Callable[[ScriptedServer], list[str]]) -> None:
    server = ScriptedServer([True, False, False])
    reports = supervise(server)
    assert server.events[:3] == ["start", "stop", "start"]
    assert "Stub process is not healthy" in reports[0]
    assert reports[1] == "The Triton server answers again."


def test_a_restart_that_fails_is_tried_again(supervise: Callable[[ScriptedServer], list[str]]) -> None:
    server = ScriptedServer([False, False], start_fails=(2,))
    reports = supervise(server)
    assert server.starts == 3
    assert "It ended. Look at the log." in reports[1]


def test_a_server_that_lost_a_process_is_started_again_without_waiting_for_a_probe() -> None:
    server, reports = ScriptedServer([]), list[str]()
    settings = Settings(probe_interval=3600, probe_timeout=1, probe_failures=2)
    supervisor = Supervisor(server, settings, report=reports.append)
    supervisor.start()
    try:
        assert supervisor.wait_until_ready(threading.Event())
        server.running = False
        for _ in range(600):
            if len(reports) == 2:
                break
            threading.Event().wait(0.1)
    finally:
        supervisor.stop(threading.Event())
    said = "A backend process of raw_cnn has ended; Triton is started again."
    assert (server.starts, reports) == (2, [said, "The Triton server answers again."])


def test_a_first_start_that_fails_is_an_error_and_not_retried() -> None:
    server = ScriptedServer([], start_fails=(1,))
    supervisor = supervisor_of(server)
    supervisor.start()
    with pytest.raises(ServerStartError, match="It ended"):
        supervisor.wait_until_ready(threading.Event())
    supervisor.stop(threading.Event())
    assert server.starts == 1
    assert not server.running


def test_stopping_in_a_hurry_kills() -> None:
    server = ScriptedServer([])
    release = threading.Event()

    def slow_stop() -> None:
        release.wait(60)

    def kill() -> None:
        server.events.append("kill")
        release.set()

    server.stop, server.kill = slow_stop, kill  # type: ignore[method-assign]
    supervisor = supervisor_of(server)
    supervisor.start()
    assert supervisor.wait_until_ready(threading.Event())
    hurry = threading.Event()
    hurry.set()
    supervisor.stop(hurry)
    assert server.events[-1] == "kill"
