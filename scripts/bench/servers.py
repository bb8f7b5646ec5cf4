"""Starts what the benchmarks measure, each as a process of its own, and stops it."""

import itertools
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from embedded_triton.process.managed import ManagedProcess

ROOT = Path(__file__).resolve().parents[2]
#: What the servers of a benchmark said, numbered in the order of their start; the next benchmark overwrites it.
LOGS = ROOT / "build" / "bench" / "logs"
_START_SECONDS, _STOP_SECONDS = 240.0, 40.0
_numbers = itertools.count(1)


class StartError(Exception):
    """A server did not start; the end of its log says why."""


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def environment(device: str) -> dict[str, str]:
    """The environment of a process that shall use this device: on a CPU it sees no GPU."""
    # OpenMP threads that spin while they wait take the cores from whoever else is measured.
    quiet = {"OMP_WAIT_POLICY": "PASSIVE"}
    return {**os.environ, **quiet, **({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {})}


@contextmanager
def triton(
    device: str, model_repository: Path, profile: str | None, cores: Collection[int] | None = None
) -> Iterator[str]:
    """The embedded server on free ports, on all cores or only some; yields its gRPC address once all has answered."""
    grpc, http, metrics = free_ports(3)
    command = [sys.executable, "-m", "embedded_triton", f"--model-repository={model_repository}"]
    command += [f"--grpc-port={grpc}", f"--http-port={http}", f"--metrics-port={metrics}"]
    if cores is not None:
        command = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
    variables = {**environment(device), "EMBEDDED_TRITON_SHARED_MEMORY_PREFIX": f"bench-{grpc}"}
    variables |= {"EMBEDDED_TRITON_PROFILE": profile or "default"}
    with process("triton", command, variables) as (started, log):
        wait(started, log, lambda: "Triton answers on" in log.read_text(errors="replace"))
        yield f"127.0.0.1:{grpc}"


@contextmanager
def gateways(triton_url: str, count: int, in_flight: int) -> Iterator[tuple[str, ...]]:
    """So many gateways before one Triton, as a Service of Kubernetes has them; together they admit ``in_flight``.

    A gateway is one process with one event loop, and counts what it has in flight by itself. More of them are more
    processes on ports of their own, whose limits add up to what Triton's queues hold.
    """
    ports = free_ports(count)
    admitted = max(64, -(-in_flight // count))
    variables = {**os.environ, "TRITON_URL": triton_url, "GATEWAY_MAX_REQUESTS_IN_FLIGHT": str(admitted)}
    variables |= {"GATEWAY_LOG_LEVEL": "warning"}
    with ExitStack() as stack:
        for port in ports:
            command = [sys.executable, "-m", "gateway", "--host", "127.0.0.1", "--port", str(port)]
            started, log = stack.enter_context(process("gateway", command, variables))
            wait(started, log, partial(_answers, f"http://127.0.0.1:{port}/health/ready"))
        yield tuple(f"http://127.0.0.1:{port}" for port in ports)


@contextmanager
def ancestor(device: str) -> Iterator[str]:
    """The plain FastAPI service with the eager networks, on this device; yields its URL."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "scripts.bench.peers.ancestor", f"--port={port}"]
    with process("ancestor", command, environment(device)) as (started, log):
        wait(started, log, partial(_answers, f"http://127.0.0.1:{port}/openapi.json"))
        yield f"http://127.0.0.1:{port}"


@contextmanager
def process(name: str, command: list[str], variables: dict[str, str]) -> Iterator[tuple[ManagedProcess, Path]]:
    """Run a command while the body runs; yields the process and the file of its log, ``NAME-NUMBER.log`` in ``LOGS``.

    A managed process, so that neither workers that a server forgets (LitServe's do not end with it) nor a benchmark
    that is killed leave anything behind.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}-{next(_numbers)}.log"
    with log.open("wb") as output:
        started = ManagedProcess(command, environment=variables, grace=_STOP_SECONDS, output=output)
    try:
        yield started, log
    finally:
        started.stop()


def wait(started: ManagedProcess, log: Path, ready: Callable[[], bool]) -> None:
    """Wait until a server is ready. Raises StartError where it ends first, or takes too long."""
    end = time.monotonic() + _START_SECONDS
    while not ready():
        if started.poll() is not None or time.monotonic() > end:
            raise StartError(f"A server did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a URL of the loopback, made above
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
