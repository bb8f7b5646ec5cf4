"""Starts Triton, the gateway or another program as a process of its own, waits for it, and stops it in any case.

``running_triton`` and ``running_gateway`` serve whoever needs the service for a while: benchmarks, checks and tests.
Neither outlives the process that started it, however that ends.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Self

from embedded_triton.errors import ServerStartError
from embedded_triton.install.ports import LOOPBACK, in_url, reachable_host
from embedded_triton.process.managed import ManagedProcess

#: What ``python -m embedded_triton`` says once every ensemble has answered.
TRITON_READY = "Triton answers on"
_START_SECONDS, _STOP_SECONDS, _POLL, _TIMEOUT = 240.0, 40.0, 0.1, 5.0
_LOG_END = 3000

Process = ManagedProcess | subprocess.Popen[bytes]


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


def describe_exit(status: int) -> str:
    """Say how a program has ended, by its exit status as a shell or ``subprocess`` gives it."""
    number = -status if status < 0 else status - 128
    if number <= 0 or number not in {each.value for each in signal.Signals}:
        return f"has ended with status {status}"
    told = f"was ended by {signal.Signals(number).name}"
    if number == signal.SIGKILL:
        return f"{told}: by somebody, or by the kernel for want of memory (`dmesg` tells)"
    return told


class Program:
    """Can be started, awaited and stopped, again and again; as a context manager it runs while the body does."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        grace: float = _STOP_SECONDS,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            command: the program and its arguments.
            log: takes what it prints since its last start; None lets it print where this process does.
            environment: its environment variables; those of this process by default.
            grace: seconds between being told to stop and being killed.
        """
        self.command = list(command)
        self.log = log
        self._environment = dict(os.environ if environment is None else environment)
        self._grace = grace
        self._process: Process | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, whatever happened."""
        self.stop()

    def start(self) -> None:
        """Start it and return at once."""
        if self.log is None:
            self._process = self.spawn(None)
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            self._process = self.spawn(output)

    def spawn(self, output: IO[bytes] | None) -> Process:
        """Start the process; it ends with this one."""
        return ManagedProcess(self.command, environment=self._environment, grace=self._grace, output=output)

    def wait(
        self, ready: Callable[[], bool], *, stop: threading.Event | None = None, seconds: float = _START_SECONDS
    ) -> bool:
        """Wait until ``ready`` says so.

        Args:
            ready: is asked again and again.
            stop: ends the waiting early.
            seconds: how long it may take.

        Returns:
            Whether it is ready; False where ``stop`` came first.

        Raises:
            ServerStartError: it ended, or took too long.
        """
        module = self.command[self.command.index("-m") + 1] if "-m" in self.command else None
        name = f"`python -m {module}`" if module else self.command[0]
        pause, end = stop or threading.Event(), time.monotonic() + seconds
        while not pause.is_set():
            if (status := self.poll()) is not None:
                raise ServerStartError(f"{name} {describe_exit(status)} while it was starting.", self.end_of_log())
            if ready():
                return True
            if time.monotonic() > end:
                raise ServerStartError(f"{name} was not ready within {seconds:.0f} s.", self.end_of_log())
            pause.wait(_POLL)
        return False

    def end_of_log(self) -> str:
        """Return the last lines that it printed, with a sentence before them."""
        if self.log is None:
            return "What it printed says why."
        return f"The end of {self.log}:\n{self.log.read_text(errors='replace')[-_LOG_END:]}"

    @property
    def pid(self) -> int:
        """The process id of the parent of all that belongs to it."""
        assert self._process is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status; None while it runs, and before it was started."""
        return None if self._process is None else self._process.poll()

    def is_up(self) -> bool:
        """Say whether it runs."""
        return self._process is not None and self._process.poll() is None

    def terminate(self) -> None:
        """Tell it to stop; ``stop`` waits for it."""
        if self._process is not None:
            self._process.terminate()

    def stop(self, hurry: threading.Event | None = None) -> int:
        """Stop it, and return its exit status; 0 where it was not started.

        Args:
            hurry: once set, it is killed instead of waited for.
        """
        if self._process is None:
            return 0
        self._process.terminate()
        while hurry is not None and self._process.poll() is None:
            if hurry.wait(_POLL):
                self._process.kill()
                break
        status, self._process = self._process.wait(), None
        return status


class Triton(Program):
    """The supervised server, ``python -m embedded_triton``, on ports of its own."""

    def __init__(
        self,
        model_repository: Path,
        *,
        log: Path,
        host: str = LOOPBACK,
        cores: Collection[int] | None = None,
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            model_repository: the folder to serve.
            log: takes the server's output.
            host: where it listens; its ports are free ones of the loopback where ``settings`` names none.
            cores: the cores that it may use; all by default.
            environment: variables of the process; those of this one by default.
            settings: as ``EMBEDDED_TRITON_...`` has them, in lower case.
        """
        names = ("grpc_port", "http_port", "metrics_port")
        chosen = dict(zip(names, free_ports(len(names)), strict=True)) | settings
        #: The ports of gRPC, HTTP and metrics.
        self.ports = [int(str(chosen[name])) for name in names]
        self.grpc_url, self.http_url, self.metrics_url = (f"{in_url(host)}:{port}" for port in self.ports)
        self.model_repository = model_repository
        #: Begins the names of its segments in /dev/shm.
        self.prefix = str(chosen.setdefault("shared_memory_prefix", f"launched-{os.getpid()}-{self.ports[0]}"))
        pinned = [] if cores is None else ["taskset", "--cpu-list", ",".join(map(str, cores))]
        super().__init__(
            [
                *(*pinned, sys.executable, "-m", "embedded_triton"),
                *(f"--model-repository={model_repository}", f"--listen={host}"),
            ],
            log=log,
            environment=_with_settings(environment, "EMBEDDED_TRITON_", chosen),
        )

    def wait_until_ready(self) -> None:
        """Wait until every ensemble has answered a real inference.

        Raises:
            ServerStartError: it ended, or took too long.
        """
        log = self.log
        assert log is not None
        self.wait(lambda: TRITON_READY in log.read_text(errors="replace"))


class Gateway(Program):
    """The gateway, ``python -m gateway``, before one or more Tritons."""

    def __init__(
        self,
        triton_url: str,
        *,
        log: Path | None = None,
        host: str = LOOPBACK,
        port: int | None = None,
        grace: float = _STOP_SECONDS,
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            triton_url: the gRPC address, several with commas between them.
            log: takes its output; None lets it print where this process does.
            host: where it listens.
            port: likewise; a free one of the loopback by default.
            grace: seconds between being told to stop and being killed.
            environment: variables of the process; those of this one by default.
            settings: as ``GATEWAY_...`` has them, in lower case.
        """
        self.port = port or free_ports(1)[0]
        self._host = reachable_host(host)
        #: Where this machine reaches it.
        self.url = f"http://{in_url(self._host)}:{self.port}"
        super().__init__(
            [sys.executable, "-m", "gateway", "--host", host, "--port", str(self.port)],
            log=log,
            environment=_with_settings(environment, "GATEWAY_", settings) | {"TRITON_URL": triton_url},
            grace=grace,
        )

    def status_of(self, path: str) -> int | None:
        """Return the status of a GET; None where nothing answers. Never by a proxy."""
        connection = http.client.HTTPConnection(self._host, self.port, timeout=_TIMEOUT)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def wait_until_ready(self, stop: threading.Event | None = None) -> bool:
        """Wait until it answers for every model, as ``Program.wait`` does."""
        return self.wait(lambda: self.status_of("/health/ready") == http.client.OK, stop=stop)


@contextmanager
def running_triton(model_repository: Path, *, log: Path, **options: Any) -> Iterator[Triton]:
    """Run a Triton while the body does, ready to answer; arguments and settings are those of ``Triton``.

    Raises:
        ServerStartError: it did not start.
    """
    with Triton(model_repository, log=log, **options) as triton:
        triton.wait_until_ready()
        yield triton


@contextmanager
def running_gateway(triton_url: str, *, log: Path | None = None, **options: Any) -> Iterator[Gateway]:
    """Run a gateway while the body does, ready to answer; arguments and settings are those of ``Gateway``.

    Raises:
        ServerStartError: it did not start.
    """
    with Gateway(triton_url, log=log, **options) as gateway:
        gateway.wait_until_ready()
        yield gateway


def _with_settings(
    environment: Mapping[str, str] | None, prefix: str, settings: Mapping[str, object]
) -> dict[str, str]:
    inherited = os.environ if environment is None else environment
    return {**inherited, **{f"{prefix}{name.upper()}": str(value) for name, value in settings.items()}}
