"""Triton servers that are replaced, each on an address of its own, with what they have executed."""

import os
from pathlib import Path

import httpx2

from embedded_triton.install.repository import read_repository
from embedded_triton.launch import Triton

ROOT = Path(__file__).resolve().parents[2]


class Replica(Triton):
    """One embedded server; all replicas listen on the same ports."""

    def __init__(self, address: str, ports: tuple[int, int, int], repository: Path, age: float, log: Path) -> None:
        grpc, http, metrics = ports
        super().__init__(
            repository,
            log=log,
            host=address,
            grpc_port=grpc,
            http_port=http,
            metrics_port=metrics,
            grpc_max_connection_age=age,
            shared_memory_prefix=f"rolling-{os.getpid()}-{address}",
            # Its own probes would count among the requests that it gets.
            probe_interval=3600,
        )
        self.address = address
        self._ensembles = read_repository(repository).ensembles

    async def executed(self) -> int:
        """Return how many inferences its ensembles have begun, whatever became of them."""
        async with httpx2.AsyncClient(base_url=f"http://{self.http_url}", trust_env=False) as client:
            answers = [await client.get(f"/v2/models/{ensemble}/stats") for ensemble in self._ensembles]
        stats = [answer.raise_for_status().json()["model_stats"][0]["inference_stats"] for answer in answers]
        return sum(each["success"]["count"] + each["fail"]["count"] for each in stats)
