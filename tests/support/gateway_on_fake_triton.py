"""The real gateway on a real socket, in front of a Triton that misbehaves on request, in a thread of the test."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gateway.triton.client import TritonClassifier
from tests.support.fake_triton import FakeTriton
from tests.unit.gateway.serving import serving


@dataclass(frozen=True)
class ServedGateway:
    """Where it listens, and what answers behind it."""

    url: str
    triton: FakeTriton


@contextmanager
def gateway_on_fake_triton(triton: FakeTriton | None = None, **settings: Any) -> Iterator[ServedGateway]:
    """Serve with these settings while the body runs; every model is ready then."""
    triton, started = triton or FakeTriton(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        target = await triton.start()
        classifier = TritonClassifier(target, ("raw", "pretrained"))
        async with serving(classifier, **settings) as port:
            async with asyncio.timeout(60):
                while not all(classifier.readiness().values()):  # noqa: ASYNC110 (nothing tells when it changes)
                    await asyncio.sleep(0.01)
            ports.append(port)
            stop_on.append((asyncio.get_running_loop(), stop := asyncio.Event()))
            started.set()
            await stop.wait()
        await triton.stop()

    stop_on: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="gateway")
    thread.start()
    try:
        while not started.wait(0.05):
            assert thread.is_alive(), "the gateway did not start"
        yield ServedGateway(f"http://127.0.0.1:{ports[0]}", triton)
    finally:
        for loop, stop in stop_on:
            loop.call_soon_threadsafe(stop.set)
        thread.join()
