"""Starts what the benchmarks measure, each as a process of its own, and stops it."""

import itertools
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from embedded_triton.launch import free_ports, running_gateway, running_triton
from embedded_triton.process.program import Program

ROOT = Path(__file__).resolve().parents[2]
#: What the servers of a benchmark said, numbered in the order of their start; the next benchmark overwrites it.
LOGS = ROOT / "build" / "benchmarks" / "logs"

_numbers = itertools.count(1)


def environment(device: str) -> dict[str, str]:
    """Return the environment of a process that uses this device: on a CPU it sees no GPU."""
    # OpenMP threads that spin while they wait take the cores from whoever else is measured.
    quiet = {"OMP_WAIT_POLICY": "PASSIVE"}
    return {**os.environ, **quiet, **({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {})}


def export_models(model_repository: Path) -> None:
    """Bring a model repository up to date. Raises CalledProcessError where that fails."""
    command = [sys.executable, "-m", "scripts.cli.main", "export", f"--model-repository={model_repository}"]
    subprocess.run(command, stdout=sys.stderr, cwd=ROOT, check=True)


@contextmanager
def triton(device: str, model_repository: Path, profile: str | None) -> Iterator[str]:
    """Run the embedded server on free ports, and yield its gRPC address once every ensemble has answered."""
    options = {"environment": environment(device), "profile": profile or "default"}
    with running_triton(model_repository, log=_log("triton"), **options) as started:
        yield started.grpc_url


@contextmanager
def gateways(triton_url: str, count: int, concurrency: int) -> Iterator[tuple[str, ...]]:
    """Run gateways before one Triton, as a Service of Kubernetes has them; together they admit ``concurrency``.

    A gateway is one process with one event loop, and has a limit of its own. More of them are more
    processes on ports of their own, whose limits add up to what Triton's queues hold.
    """
    settings = {"max_concurrent_requests": max(64, -(-concurrency // count)), "log_level": "warning"}
    with ExitStack() as stack:
        started = (running_gateway(triton_url, log=_log("gateway"), **settings) for _ in range(count))
        yield tuple(stack.enter_context(gateway).url for gateway in started)


@contextmanager
def eager(device: str) -> Iterator[str]:
    """Run the plain FastAPI service with the eager networks on this device, and yield its URL."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "scripts.benchmarks.baselines.eager", f"--port={port}"]
    with process("eager", command, environment(device)) as started:
        started.wait(partial(_answers, f"http://127.0.0.1:{port}/openapi.json"))
        yield f"http://127.0.0.1:{port}"


def process(name: str, command: list[str], variables: dict[str, str]) -> Program:
    """Return a command that runs while the body does; its log is ``NAME-NUMBER.log`` in ``LOGS``.

    A managed process, so that neither workers that a server forgets (LitServe's do not end with it) nor a benchmark
    that is killed leave anything behind.
    """
    return Program(command, log=_log(name), environment=variables)


def _log(name: str) -> Path:
    return LOGS / f"{name}-{next(_numbers)}.log"


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
