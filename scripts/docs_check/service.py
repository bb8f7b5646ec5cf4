"""Starts the service that the command blocks ask, on free ports, and stops it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded_triton.launch import running_gateway, running_triton
from scripts.docs_check.blocks import Service
from scripts.docs_check.documents import ROOT


@contextmanager
def running_service() -> Iterator[Service]:
    """Export the models where that is needed, and run Triton and the gateway while the body does.

    Raises:
        ServerStartError: one did not start; the end of its log is in the message.
    """
    subprocess.run([sys.executable, "-m", "scripts.cli.main", "export"], check=True)
    with (
        tempfile.TemporaryDirectory(prefix="docs-check-") as logs,
        running_triton(ROOT / "model_repository", log=Path(logs, "triton.log")) as triton,
        running_gateway(triton.grpc_url, log=Path(logs, "gateway.log")) as gateway,
    ):
        yield Service(gateway.url.removeprefix("http://"), triton.grpc_url)
