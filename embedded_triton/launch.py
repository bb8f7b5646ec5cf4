"""Starts Triton or the gateway as a process of its own, waits for it, and stops it in any case.

``running_triton`` and ``running_gateway`` serve whoever needs the service for a while: benchmarks, checks and tests.
Neither outlives the process that started it, however that ends.
"""

import http.client
import os
import socket
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from embedded_triton.install.ports import LOOPBACK, in_url, reachable_host
from embedded_triton.process.program import STOP_SECONDS, Program

#: What ``python -m embedded_triton`` says once every ensemble has answered.
TRITON_READY = "Triton answers on"
_TIMEOUT = 5.0


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


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
        grace: float = STOP_SECONDS,
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
