"""A real Triton server for tests: ``python -m embedded_triton`` as a process of its own, on free loopback ports."""

import os
import signal
from pathlib import Path
from typing import Any

import psutil

from embedded_triton.install.repository import read_repository
from embedded_triton.launch import Triton
from embedded_triton.process.probe import Probe, ProbeError
from tests.support.plain_process import ROOT as ROOT
from tests.support.plain_process import PlainProcess

_STOP_TIMEOUT = 30


def name_of(process: psutil.Process) -> str | None:
    """Return a process's name, None where it has ended since it was listed, as helpers do while models load."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return None


def _command(process: psutil.Process) -> list[str]:
    """Return a process's command line, an empty one where it has ended since it was listed."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie too
        return []


class RunningTriton(PlainProcess, Triton):
    """Starts, stops, restarts and harms one supervised server; its addresses stay the same over all of that."""

    #: Largest difference of a probability from the exported network's on the CPU, and how near two classes may come to
    #: be a tie; and by how many levels of 255 a pixel may differ. A GPU decodes JPEG with other rounding and computes
    #: in half precision.
    tolerance, tie, levels = (0.02, 0.02, 8) if Path("/dev/nvidiactl").exists() else (0.01, 1e-3, 0.5)
    #: Whether a broken image fails alone.
    isolates = True
    log: Path

    def __init__(self, model_repository: Path, log: Path, **settings: object) -> None:
        # The configurations as committed, whatever this machine would get; a test may name another profile.
        inherited = {"EMBEDDED_TRITON_PROFILE": "default"} | os.environ
        # In the precision of the exported network, which answers are compared with; bfloat16 has a test of its own.
        chosen: dict[str, Any] = {"probe_interval": 1, "cpu_precision": "float32"} | settings
        super().__init__(model_repository, log=log, environment=inherited, **chosen)
        repository = read_repository(model_repository)
        self._probe = Probe(self.grpc_url, repository.ensembles, repository.probe_image)

    def configure(self, **settings: object) -> None:
        """Change settings of the next start, as ``EMBEDDED_TRITON_...`` has them, in lower case."""
        self._environment |= {f"EMBEDDED_TRITON_{name.upper()}": str(value) for name, value in settings.items()}

    def start_and_wait(self) -> None:
        """Start the server and wait until its supervisor has had an answer of every ensemble."""
        self.start()
        super().wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until every ensemble answers.

        Raises:
            ServerStartError: the process ended, or took too long; the message holds the end of its log.
        """
        self.wait(self.answers)

    def answers(self) -> bool:
        """Say whether every ensemble answers."""
        try:
            self._probe(10)
        except ProbeError:
            return False
        return True

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the parent of everything, wait for the parent alone, and return its exit status."""
        self.process.send_signal(number)
        return self.join()

    def join(self) -> int:
        """Wait for the parent of everything to end by itself, and return its exit status."""
        status = self.process.wait(_STOP_TIMEOUT)
        self._process = None
        return status

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start_and_wait()

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
        folder = f"/models/{model}/"
        stubs = [each for each in self.processes() if any(folder in word for word in _command(each))]
        return next(each for each in stubs if "stub" in each.exe())

    def segments(self) -> list[str]:
        """Return the names of this server's segments in /dev/shm."""
        return sorted(path.name for path in Path("/dev/shm").iterdir() if path.name.startswith(self.prefix))
