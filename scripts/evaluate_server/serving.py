"""A server to ask: the one that answers already, or one that is started for the purpose and stopped after."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
_START_TIMEOUT = 300.0
_STOP_TIMEOUT = 30.0


@contextmanager
def served(url: str) -> Iterator[str]:
    """Give ``url`` once its gateway is ready; where nothing answers there and it is this machine, start everything.

    Raises:
        ValueError: nothing answers at an address of another machine, or the server does not start.
    """
    if is_ready(url):
        yield url
        return
    address = httpx.URL(url)
    if address.host not in ("127.0.0.1", "localhost"):
        raise ValueError(f"nothing is ready at {url}/health/ready")
    command = [sys.executable, "-m", "scripts.cli.serve", "--port", str(address.port or 80), "--stop-with-parent"]
    print(f"nothing is ready at {url}: starting Triton and the gateway there")
    # A line a request would bury the report.
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"GATEWAY_LOG_LEVEL": "warning"})
    try:
        _await(url, process)
        yield url
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(_STOP_TIMEOUT)


def is_ready(url: str) -> bool:
    """Say whether the gateway at ``url`` and both models behind it answer."""
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _await(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not is_ready(url):
        if process.poll() is not None:
            raise ValueError(f"the server ended with status {process.returncode} while it was starting; see above")
        if time.monotonic() > deadline:
            raise ValueError(f"the server was not ready within {_START_TIMEOUT:.0f} s")
        time.sleep(0.5)
