"""The Triton servers and the gateway, as processes of their own."""

import asyncio
import os
import signal
import sys
from abc import ABC, abstractmethod
from pathlib import Path

import httpx

from scripts.images.probe import ensembles, infer

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS, _STOP_SECONDS, _LOOK_SECONDS = 180, 30, 0.2


class Process(ABC):
    """``python -m MODULE``, with its output in a file."""

    def __init__(self, module: str, *arguments: str, log: Path, environment: dict[str, str]) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._log = log
        self._environment = os.environ | environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and return at once."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=self._environment,
            )

    async def terminate(self) -> int:
        """Send SIGTERM, wait for the end, and return the exit status. What is not running has ended with 0.

        Raises:
            TimeoutError: it does not end.
        """
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_STOP_SECONDS):
            status = await self._process.wait()
        self._process = None
        return status

    @abstractmethod
    async def is_ready(self) -> bool:
        """Say whether it answers as it should."""

    async def wait_until_ready(self) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: it ended or took too long; the message has the end of its log.
        """
        for _ in range(round(_START_SECONDS / _LOOK_SECONDS)):
            if self._process is None or self._process.returncode is not None:
                break
            if await self.is_ready():
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise RuntimeError(f"{self._command[2]} did not get ready:\n{self._log.read_text(errors='replace')[-3000:]}")


class Triton(Process):
    """One embedded server on an address of its own."""

    def __init__(self, address: str, ports: tuple[int, int, int], repository: Path, age: float, log: Path) -> None:
        grpc, http, metrics = ports
        super().__init__(
            "embedded_triton",
            *(f"--listen={address}", f"--model-repository={repository}"),
            *(f"--grpc-port={grpc}", f"--http-port={http}", f"--metrics-port={metrics}"),
            log=log,
            environment={
                "EMBEDDED_TRITON_GRPC_MAX_CONNECTION_AGE": str(age),
                "EMBEDDED_TRITON_SHARED_MEMORY_PREFIX": f"rolling-{os.getpid()}-{address}",
                # Its own probes would count among the requests that it gets.
                "EMBEDDED_TRITON_PROBE_INTERVAL": "3600",
            },
        )
        self.address = address
        self._url = f"http://{address}:{http}"
        self._image = (repository / "preprocess" / "warmup" / "drawing.jpg").read_bytes()
        self._ensembles = ensembles(repository)

    async def is_ready(self) -> bool:
        """Ask every ensemble for an inference, as the containers' probe does."""
        for ensemble in self._ensembles:
            if await asyncio.to_thread(infer, self._url, ensemble, self._image, 10.0):
                return False
        return True

    async def executed(self) -> int:
        """Return how many inferences its ensembles have begun, whatever became of them."""
        async with httpx.AsyncClient(base_url=self._url) as client:
            answers = [await client.get(f"/v2/models/{ensemble}/stats") for ensemble in self._ensembles]
        stats = [answer.raise_for_status().json()["model_stats"][0]["inference_stats"] for answer in answers]
        return sum(each["success"]["count"] + each["fail"]["count"] for each in stats)


class Gateway(Process):
    """The gateway, which looks for Triton by name."""

    def __init__(self, port: int, triton_url: str, log: Path) -> None:
        super().__init__(
            "gateway",
            *("--host", "127.0.0.1", "--port", str(port)),
            log=log,
            environment={"TRITON_URL": triton_url, "GATEWAY_API_KEYS": ""},
        )
        self.url = f"http://127.0.0.1:{port}"

    async def is_ready(self) -> bool:
        """Ask for its own readiness."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            try:
                return (await client.get("/health/ready")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False
