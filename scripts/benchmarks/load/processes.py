"""Load from several processes: a fixed concurrency for so long, and what came back."""

import asyncio
import itertools
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

#: Answers of the first second do not count: connections and batch sizes settle.
WARM_UP_SECONDS = 1.0
_PAUSE_AFTER_REFUSAL = 0.005
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Target:
    """What is asked: Triton by gRPC (``host:port``) or services by HTTP (``http://…``, in turn), and which model.

    A request to Triton may have several ``photos``, all the same, since a tensor's rows have one length.
    """

    urls: tuple[str, ...]
    model: str
    photos: int = 1

    @property
    def is_http(self) -> bool:
        """Whether it is asked by HTTP."""
        return self.urls[0].startswith("http")


@dataclass
class Tally:
    """What one process saw: seconds of each good answer, and how often each kind of failure came instead."""

    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


Ask = Callable[[], Awaitable[str | None]]


def measure(target: Target, photos: list[bytes], *, concurrency: int, seconds: float, processes: int) -> dict[str, Any]:
    """Keep ``concurrency`` requests under way for ``seconds`` and return rates, latencies and failures.

    Args:
        target: whom to ask.
        photos: the files that are sent in turn.
        concurrency: requests under way at any time, over all processes.
        seconds: length of the measurement, after a warm-up of a second.
        processes: how many processes send, where there are as many requests.

    Raises:
        RuntimeError: a sending process died.
    """
    context = multiprocessing.get_context("spawn")
    count = min(processes, concurrency)
    shares = [concurrency // count + (1 if number < concurrency % count else 0) for number in range(count)]
    barrier = context.Barrier(count)
    workers = []
    for number, share in enumerate(shares):
        receiver, sender = context.Pipe(duplex=False)
        arguments = (target, photos, number, share, seconds, barrier, sender)
        worker = context.Process(target=_work, args=arguments, daemon=True)
        worker.start()
        sender.close()
        workers.append((worker, receiver))
    tallies = [_receive(receiver, _START_SECONDS + WARM_UP_SECONDS + seconds) for _, receiver in workers]
    for worker, _ in workers:
        worker.join()
    return summarise(tallies, concurrency, seconds, target.photos)


def summarise(tallies: list[Tally], concurrency: int, seconds: float, photos: int = 1) -> dict[str, Any]:
    """Return images/s, latencies of requests in milliseconds, and failures by kind; ``photos`` are in each request."""
    latencies = sorted(second for tally in tallies for second in tally.seconds)
    failures = sum((tally.failures for tally in tallies), Counter())

    def percentile(share: float) -> float | None:
        return round(1000 * latencies[math.ceil(share * len(latencies)) - 1], 2) if latencies else None

    return {
        "concurrency": concurrency,
        "images_per_second": round(photos * len(latencies) / seconds, 1),
        "p50_ms": percentile(0.50),
        "p99_ms": percentile(0.99),
        **({"failures": dict(failures)} if failures else {}),
    }


def _receive(receiver: Connection, timeout: float) -> Tally:
    try:
        if receiver.poll(timeout):
            tally: Tally = receiver.recv()
            return tally
    except EOFError:
        pass
    raise RuntimeError("A process that sends requests died or hung; its lines above say why.")


def _work(
    target: Target, photos: list[bytes], number: int, concurrency: int, seconds: float, barrier: Any, sender: Connection
) -> None:
    import uvloop

    # Each process begins elsewhere, so that no photo is asked about by all of them at once.
    turn = photos[number % len(photos) :] + photos[: number % len(photos)]
    connect = _http if target.is_http else _grpc
    sender.send(uvloop.run(_send(connect, target, turn, number, concurrency, seconds, barrier)))


async def _send(
    connect: Any, target: Target, photos: list[bytes], number: int, concurrency: int, seconds: float, barrier: Any
) -> Tally:
    tally = Tally()
    async with connect(target, photos, number) as ask:
        await ask()  # connects
        await asyncio.to_thread(barrier.wait, _START_SECONDS)
        began = time.monotonic() + WARM_UP_SECONDS
        ended = began + seconds

        async def keep_asking() -> None:
            while (asked := time.monotonic()) < ended:
                failure = await ask()
                answered = time.monotonic()
                if began <= answered < ended:
                    if failure is None:
                        tally.seconds.append(answered - asked)
                    else:
                        tally.failures[failure] += 1
                if failure is not None:
                    await asyncio.sleep(_PAUSE_AFTER_REFUSAL)

        await asyncio.gather(*(keep_asking() for _ in range(concurrency)))
    return tally


@asynccontextmanager
async def _http(target: Target, photos: list[bytes], number: int) -> Any:
    from scripts.benchmarks.load.client import PhotoClient, form

    bodies: Iterator[bytes] = itertools.cycle([form(photo) for photo in photos])
    path = f"/{target.model}/predict"
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(PhotoClient(url)) for url in target.urls]
        turns = itertools.cycle(clients[number % len(clients) :] + clients[: number % len(clients)])

        async def ask() -> str | None:
            try:
                reply = await next(turns).post(path, next(bodies))
            except (OSError, asyncio.IncompleteReadError) as exc:
                return type(exc).__name__
            return None if reply.status == 200 else str(reply.status)

        yield ask


@asynccontextmanager
async def _grpc(target: Target, photos: list[bytes], number: int) -> Any:
    """Send requests that were put together beforehand: the client shall cost little beside the server."""
    import grpc
    from tritonclient.grpc import service_pb2

    def request(photo: bytes) -> bytes:
        message = service_pb2.ModelInferRequest(model_name=target.model, raw_input_contents=[photo * target.photos])
        message.inputs.add(name="IMAGE", datatype="UINT8", shape=[target.photos, len(photo)])
        message.outputs.add(name="PROBABILITIES")
        serialised: bytes = message.SerializeToString()
        return serialised

    requests = itertools.cycle([request(photo) for photo in photos])
    # A pool of its own for each process: gRPC would share connections by address, and one connection is one stream.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(target.urls[number % len(target.urls)], options=options) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")

        async def ask() -> str | None:
            try:
                await infer(next(requests))
            except grpc.aio.AioRpcError as exc:
                return str(exc.code().name)
            return None

        yield ask
