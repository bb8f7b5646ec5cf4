"""A server to ask: the one that answers already, or one that is started for the purpose and stopped after."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from embedded_triton.errors import EmbeddedTritonError
from embedded_triton.launch import running_gateway, running_triton

ROOT = Path(__file__).resolve().parents[2]
#: What a server said that was started here.
LOGS = ROOT / ".cache" / "logs"


@contextmanager
def served(url: str) -> Iterator[str]:
    """Give ``url`` once its gateway is ready; where nothing answers there and it is this machine, start everything.

    Raises:
        ValueError: nothing answers at an address of another machine, or the server does not start.
    """
    if is_ready(url):
        yield url
        return
    if not is_here(url):
        raise ValueError(f"nothing is ready at {url}/health/ready")
    print(f"nothing is ready at {url}: starting Triton and the gateway there", flush=True)
    subprocess.run([sys.executable, "-m", "scripts.cli.main", "export"], check=True)
    try:
        with (
            running_triton(ROOT / "model_repository", log=LOGS / "triton-evaluate.log") as triton,
            running_gateway(triton.grpc_url, log=LOGS / "gateway-evaluate.log", port=httpx2.URL(url).port or 80),
        ):
            yield url
    except EmbeddedTritonError as exc:
        raise ValueError(str(exc)) from exc


def is_here(url: str) -> bool:
    """Say whether an address is of this machine's loopback, where no proxy is asked."""
    return httpx2.URL(url).host in ("127.0.0.1", "localhost", "::1")


def is_ready(url: str) -> bool:
    """Say whether the gateway at ``url`` and both models behind it answer."""
    try:
        return httpx2.get(f"{url}/health/ready", timeout=5, trust_env=not is_here(url)).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False
