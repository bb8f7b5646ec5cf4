"""Starts the service that the command blocks talk to, on free ports, and stops it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.docs_check.blocks import Service
from scripts.docs_check.documents import ROOT

_START_SECONDS, _STOP_SECONDS = 300, 60


@contextmanager
def running_service() -> Iterator[Service]:
    """Run what `make run` runs while the body does.

    Raises:
        RuntimeError: it did not start; its own words are on the terminal.
    """
    ports = _free_ports(4)
    names = ("GRPC_PORT", "HTTP_PORT", "METRICS_PORT")
    environment = {f"EMBEDDED_TRITON_{name}": str(port) for name, port in zip(names, ports[1:], strict=True)}
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.cli.serve", "--port", str(ports[0])],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait(process, f"http://127.0.0.1:{ports[0]}/health/ready")
        yield Service(f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_STOP_SECONDS)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError("the service did not start")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
