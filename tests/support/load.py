"""Many requests at once, and a look at what Triton counted."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import httpx
import tritonclient.grpc as grpc


@dataclass(frozen=True)
class Call:
    """One request: where to, what, and with which headers."""

    path: str
    photo: bytes
    headers: tuple[tuple[str, str], ...] = ()


def at_once(url: str, calls: Iterable[Call], concurrency: int) -> list[httpx.Response]:
    """Sends all calls, so many at the same time, and returns their responses in order."""

    async def send_all() -> list[httpx.Response]:
        gate = asyncio.Semaphore(concurrency)
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:

            async def send(call: Call) -> httpx.Response:
                async with gate:
                    return await client.post(call.path, files={"file": call.photo}, headers=dict(call.headers))

            return await asyncio.gather(*(send(call) for call in calls))

    return asyncio.run(send_all())


def executed(triton_url: str, model: str) -> int:
    """How many inferences of a model Triton has executed; it counts cancelled ones as failed, not as executed."""
    with grpc.InferenceServerClient(triton_url) as client:
        (stats,) = client.get_inference_statistics(model).model_stats
    return int(stats.inference_stats.success.count)
