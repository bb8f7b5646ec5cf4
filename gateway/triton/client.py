"""The classifier behind the gateway: one long-lived channel to Triton, and what was learned through it."""

import asyncio
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass

import grpc
import structlog
from PIL import Image
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from gateway.errors import (
    BatchFailed,
    BrokenImage,
    CanNotExplain,
    ConnectionLost,
    DeadlineExceeded,
    GatewayError,
    ModelUnavailable,
    QueueFull,
)
from gateway.triton.abandoned import AbandonedCalls
from gateway.triton.channel import connect, outgoing_trace, replicas, target
from gateway.triton.errors import Translated
from gateway.triton.messages import activation_maps, explaining_request, plain_request, probabilities
from gateway.triton.models import KnownModels, describe
from gateway.triton.readiness import Readiness
from gateway.triton.shared_lock import SharedLock
from gateway.triton.types import ModelDescription, Prediction
from gateway.uploads.admission import Permit

_PROBE_TIMEOUT_SECONDS = 5.0
_ASK_AGAIN_SECONDS = 0.5

log = structlog.get_logger(__name__)


class TritonClassifier:
    """Classifies through Triton's ensembles, as ``gateway.inference.protocol.Classifier`` says."""

    def __init__(self, url: str, model_types: tuple[str, ...]) -> None:
        """Learn where Triton is; nothing is opened yet.

        Args:
            url: One or several addresses, as the setting ``TRITON_URL`` has them.
            model_types: The ensembles that are served.

        Raises:
            ValueError: Addresses that gRPC cannot take.
        """
        self._url = url
        self._target = target(url)
        self._models = KnownModels(self._ask_for_labels)
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._readiness = Readiness(model_types)
        self._lock: SharedLock
        self._calls: AbandonedCalls
        self._channel: grpc.aio.Channel
        self._triton: GRPCInferenceServiceStub
        self._prober: asyncio.Task[None]
        self._probe_image = probe_image()

    async def start(self) -> None:
        """Open the channel, which connects by itself, and begin to probe."""
        self._lock = SharedLock()
        self._calls = AbandonedCalls(await asyncio.to_thread(replicas, self._url), self._ask)
        self._channel = connect(self._target)
        self._triton = GRPCInferenceServiceStub(self._channel)
        self._prober = asyncio.create_task(self._readiness.keep_probing(self._probe), name="triton-prober")

    async def close(self) -> None:
        """Stop probing and close the channel."""
        tasks = [self._prober, *self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._models.close()
        await self._channel.close()

    def readiness(self) -> Mapping[str, bool]:
        """Say which models answered within the last ten seconds."""
        return self._readiness.by_model()

    def described(self) -> Mapping[str, ModelDescription]:
        """Return the models whose labels are known."""
        return self._models.described()

    async def classify(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        """Send the image, and once more, alone, where its batch failed."""
        return await self._answer(_Request(model, image, timeout_seconds, time.monotonic() + timeout_seconds, permit))

    async def explain(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        """Send the image as ``classify`` does, and ask for the activation maps too."""
        deadline = time.monotonic() + timeout_seconds
        return await self._answer(_Request(model, image, timeout_seconds, deadline, permit, explain=True))

    async def _answer(self, request: "_Request") -> Prediction:
        timeout_seconds = request.timeout_seconds
        try:
            async with asyncio.timeout(timeout_seconds):
                try:
                    async with self._lock.shared():
                        return await self._infer_somewhere(request)
                except BatchFailed:
                    log.warning("batch_failed", model=request.model)
                async with self._lock.exclusive():
                    return await self._infer(request)
        except BatchFailed as exc:
            raise BrokenImage("The image cannot be decoded. Send the original file.") from exc
        except TimeoutError as exc:
            raise DeadlineExceeded(timeout_seconds) from exc

    async def _infer_somewhere(self, request: "_Request") -> Prediction:
        try:
            return await self._infer(request)
        except ModelUnavailable:
            if self._calls.replicas == 1:
                raise
        return await self._infer(request)  # the turn is now another server's

    async def _infer(self, request: "_Request") -> Prediction:
        model = request.model
        description = await self._models.get(model)
        if request.explain and not description.explains:
            raise CanNotExplain(model)
        trace = outgoing_trace.get()
        message = (explaining_request if request.explain else plain_request)(model, request.image)
        number = self._calls.begin(model)
        try:
            with Translated(model, request.timeout_seconds):
                response = await self._triton.ModelInfer(
                    message,
                    timeout=request.deadline - time.monotonic(),
                    metadata=tuple(trace.items()) if trace else None,
                )
        except (DeadlineExceeded, asyncio.CancelledError):
            self._calls.abandon(model, number, request.permit.take())
            raise
        except BaseException as exc:  # also what is no error of a request, as of a channel that is closed
            self._calls.failed(model)
            if isinstance(exc, GatewayError):
                self._note_failure(model, exc)
            raise
        self._calls.answered(model, number)
        self._readiness.answered(model)
        maps = activation_maps(response) if request.explain else None
        return Prediction(description, probabilities(response), response.model_version, maps)

    def _note_failure(self, model: str, exc: GatewayError) -> None:
        if isinstance(exc, QueueFull):  # busy, but there
            self._readiness.answered(model)
        elif isinstance(exc, ConnectionLost):
            self._models.forget_all()
            self._calls.disconnected()
        elif isinstance(exc, ModelUnavailable):
            self._models.forget(model)

    async def _ask_for_labels(self, model: str) -> ModelDescription:
        number = self._calls.begin(model)
        try:
            with Translated(model, _PROBE_TIMEOUT_SECONDS):
                description = await describe(self._triton, model, self._probe_image, _PROBE_TIMEOUT_SECONDS)
        except BaseException as exc:
            self._calls.failed(model)
            if isinstance(exc, GatewayError):
                self._note_failure(model, exc)
            if isinstance(exc, DeadlineExceeded):  # the probe's own, which says nothing of a request's
                raise ModelUnavailable(model) from exc
            raise
        self._calls.answered(model, number)
        self._readiness.answered(model)
        return description

    async def _probe(self, model: str) -> bool:
        try:
            await self._models.learn(model)
        except QueueFull:
            return True
        except GatewayError as exc:
            log.info("probe_failed", model=model, error=str(exc.__cause__ or exc))
            return False
        return True

    def _ask(self, model: str) -> None:
        if model not in self._asking:
            task = self._asking[model] = asyncio.create_task(self._ask_until_known(model))
            task.add_done_callback(lambda _: self._asking.pop(model))

    async def _ask_until_known(self, model: str) -> None:
        while self._calls.needs_answer(model):
            if not await self._probe(model):
                await asyncio.sleep(_ASK_AGAIN_SECONDS)


@dataclass(slots=True)
class _Request:
    model: str
    image: bytes
    timeout_seconds: float
    deadline: float
    permit: Permit
    explain: bool = False


def probe_image() -> bytes:
    """Draw a small grey JPEG to ask Triton with."""
    output = io.BytesIO()
    Image.new("RGB", (32, 32), (127, 127, 127)).save(output, "JPEG")
    return output.getvalue()
