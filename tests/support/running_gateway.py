"""The gateway as a process of its own, on a free port of the loopback address."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.support.running_triton import ROOT, free_ports

StartGateway = Callable[..., "RunningGateway"]
_START_SECONDS, _STOP_SECONDS = 60, 60


class RunningGateway:
    """`python -m gateway` with settings, and what tests want to know of it."""

    def __init__(self, triton_url: str, log: Path, **settings: object) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        chosen = {f"GATEWAY_{name.upper()}": str(value) for name, value in settings.items()}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "--host", "127.0.0.1", "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=inherited | chosen | {"TRITON_URL": triton_url},
            )

    def wait_until(self, path: str, status: int = 200, seconds: float = _START_SECONDS) -> None:
        """Waits until a GET has this status. Raises AssertionError with the end of the log."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                if httpx.get(self.url + path).status_code == status:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{path} did not become {status}:\n" + self.log.read_text()[-3000:])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(_STOP_SECONDS)

    def resident_bytes(self) -> int:
        """Memory of the process."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        families = text_string_to_metric_families(httpx.get(self.url + "/metrics").text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def log_lines(self, event: str) -> list[str]:
        """The lines of the log about an event."""
        return [line for line in self.log.read_text().splitlines() if f'"event":"{event}"' in line]
