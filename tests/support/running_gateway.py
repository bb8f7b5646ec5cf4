"""The gateway as a process of its own, on a free port of the loopback address."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from embedded_triton.launch import Gateway
from tests.support.plain_process import PlainProcess

StartGateway = Callable[..., "RunningGateway"]
_START_SECONDS, _STOP_SECONDS = 240, 60


class RunningGateway(PlainProcess, Gateway):
    """`python -m gateway` with settings, and what tests want to know of it."""

    log: Path

    def __init__(self, triton_url: str, log: Path, **settings: Any) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        super().__init__(triton_url, log=log, environment=inherited, **settings)
        self.start()

    def wait_until(self, path: str, status: int = 200, seconds: float = _START_SECONDS) -> None:
        """Waits until a GET has this status. Raises ServerStartError with the end of the log."""
        self.wait(lambda: self.status_of(path) == status, seconds=seconds)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
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
