"""A real Triton server for tests: ``python -m embedded_triton`` as a process of its own, on free loopback ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from embedded_triton.install.repository import read_repository
from embedded_triton.process.probe import Probe, ProbeError

ROOT = Path(__file__).resolve().parents[2]
_START_TIMEOUT, _STOP_TIMEOUT = 180, 30
_READY = "Triton answers on"


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def name_of(process: psutil.Process) -> str | None:
    """Return a process's name, None where it has ended since it was listed, as helpers do while models load."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return None


class RunningTriton:
    """Starts, stops, restarts and harms one supervised server; its addresses stay the same over all of that."""

    #: Largest difference of a probability from the exported network's on the CPU, and how near two classes may come to
    #: be a tie; and by how many levels of 255 a pixel may differ. A GPU decodes JPEG with other rounding and computes
    #: in half precision.
    tolerance, tie, levels = (0.02, 0.02, 8) if Path("/dev/nvidiactl").exists() else (0.01, 1e-3, 0.5)
    #: Whether a broken image fails alone.
    isolates = True

    def __init__(self, model_repository: Path, log: Path) -> None:
        self.model_repository = model_repository
        self.log = log
        self.ports = free_ports(3)
        self.grpc_url, self.http_url, self.metrics_url = (f"127.0.0.1:{port}" for port in self.ports)
        self.prefix = f"test-{os.getpid()}-{self.ports[0]}"
        self._process: subprocess.Popen[bytes] | None = None
        repository = read_repository(model_repository)
        self._probe = Probe(self.grpc_url, repository.ensembles, repository.probe_image)

    def start(self) -> None:
        """Start the server and wait until its supervisor has had an answer of every ensemble."""
        self.launch()
        self._wait(lambda: _READY in self.log.read_text(errors="replace"))

    def launch(self) -> None:
        """Start the server and do not wait."""
        grpc, http, metrics = self.ports
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "embedded_triton", f"--model-repository={self.model_repository}"),
                    *(f"--grpc-port={grpc}", f"--http-port={http}", f"--metrics-port={metrics}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                # The configurations as committed, whatever this machine would get; a test may name another profile.
                env={"EMBEDDED_TRITON_PROFILE": "default"}
                | os.environ
                | {"EMBEDDED_TRITON_SHARED_MEMORY_PREFIX": self.prefix, "EMBEDDED_TRITON_PROBE_INTERVAL": "1"},
            )

    def wait_until_ready(self) -> None:
        """Wait until every ensemble answers.

        Raises:
            AssertionError: the process ended, or took too long; the message holds the end of its log.
        """
        self._wait(self.answers)

    def answers(self) -> bool:
        """Say whether every ensemble answers."""
        try:
            self._probe(10)
        except ProbeError:
            return False
        return True

    def _wait(self, condition: Callable[[], bool]) -> None:
        for _ in range(_START_TIMEOUT * 5):
            if condition():
                return
            if not self.is_up():
                break
            time.sleep(0.2)
        raise AssertionError("Triton did not get ready:\n" + self.log.read_text(errors="replace")[-5000:])

    def stop(self) -> int:
        """Stop the server the way Ctrl-C does, wait, and return the exit status."""
        return self.end(signal.SIGINT)

    def end(self, number: signal.Signals) -> int:
        """Send a signal to the parent of everything, wait for the parent alone, and return its exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.join()

    def join(self) -> int:
        """Wait for the parent of everything to end by itself, and return its exit status."""
        assert self._process is not None
        status = self._process.wait(_STOP_TIMEOUT)
        self._process = None
        return status

    def is_up(self) -> bool:
        """Say whether the supervisor runs."""
        return self._process is not None and self._process.poll() is None

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """Process id of the parent of everything, the supervisor."""
        assert self._process is not None
        return self._process.pid

    def processes(self) -> list[psutil.Process]:
        """Return the supervisor and all of its descendants."""
        parent = psutil.Process(self.pid)
        return [parent, *parent.children(recursive=True)]

    @property
    def server_pid(self) -> int:
        """Process id of ``tritonserver`` itself."""
        # A backend process that was just forked still has its server's name: the oldest is the server.
        servers = [process for process in self.processes() if name_of(process) == "tritonserver"]
        return min(servers, key=psutil.Process.create_time).pid

    def kill_backend(self, model: str) -> None:
        """Kill a backend process that runs ``model``, as an out-of-memory killer would."""
        self.backend(model).kill()

    def backend(self, model: str) -> psutil.Process:
        """Return a backend process that runs ``model``."""
        folder = f"{self.model_repository / model}/"
        stubs = [each for each in self.processes() if any(word.startswith(folder) for word in each.cmdline())]
        return next(each for each in stubs if "stub" in each.exe())

    def segments(self) -> list[str]:
        """Return the names of this server's segments in /dev/shm."""
        return sorted(path.name for path in Path("/dev/shm").iterdir() if path.name.startswith(self.prefix))
