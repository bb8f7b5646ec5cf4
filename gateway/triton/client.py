"""The classifier behind the gateway: one long-lived channel to Triton, and what was learned through it."""

import asyncio
import contextlib
import io
import time
from collections.abc import Mapping

import structlog
import tritonclient.grpc.aio as triton
from PIL import Image
from tritonclient.grpc import MAX_GRPC_MESSAGE_SIZE
from tritonclient.utils import InferenceServerException

from gateway.errors import BatchFailed, BrokenImage, DeadlineExceeded, GatewayError, ModelUnavailable, QueueFull
from gateway.prediction import Prediction
from gateway.triton.addresses import target
from gateway.triton.alone import Alone
from gateway.triton.failures import translated
from gateway.triton.readiness import Readiness
from gateway.triton.served_model import OUTPUT, ServedModel, image_input, learn

_CHANNEL_OPTIONS = (
    # Options replace tritonclient's own, so its message sizes are restated. The rest finds a dead peer in 15 s and
    # tries a lost one again within 2 s, where gRPC's own back-off grows to two minutes.
    ("grpc.max_send_message_length", MAX_GRPC_MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MAX_GRPC_MESSAGE_SIZE),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.lb_policy_name", "round_robin"),
)
_PROBE_TIMEOUT_SECONDS = 5.0

log = structlog.get_logger(__name__)


class TritonClassifier:
    """Classifies through Triton's ensembles. See `gateway.prediction.Classifier` for the contract."""

    def __init__(self, url: str, model_types: tuple[str, ...]) -> None:
        self._url = url
        self._models: dict[str, ServedModel] = {}
        self._learning: dict[str, asyncio.Task[ServedModel]] = {}
        self._readiness = Readiness(model_types)
        self._output = triton.InferRequestedOutput(OUTPUT)
        self._alone: Alone
        self._client: triton.InferenceServerClient
        self._prober: asyncio.Task[None]
        self._probe_image = _probe_image()

    async def start(self) -> None:
        """Opens the channel, which connects by itself, and begins to probe."""
        self._alone = Alone()
        self._client = triton.InferenceServerClient(target(self._url), channel_args=list(_CHANNEL_OPTIONS))
        self._prober = asyncio.create_task(self._readiness.keep_probing(self._probe), name="triton-prober")

    async def close(self) -> None:
        """Stops probing and closes the channel."""
        self._prober.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._prober
        await self._client.close()

    def readiness(self) -> Mapping[str, bool]:
        """Which models answered within the last ten seconds."""
        return self._readiness.by_model()

    async def classify(self, model: str, image: bytes, timeout_seconds: float) -> Prediction:
        """Sends the image, and once more, alone, where its batch failed. Raises the errors of `gateway.errors`."""
        deadline = time.monotonic() + timeout_seconds
        try:
            async with self._alone.together():
                return await self._infer(model, image, deadline, timeout_seconds)
        except BatchFailed:
            log.warning("batch_failed", model=model)
        async with self._alone.alone():
            try:
                return await self._infer(model, image, deadline, timeout_seconds)
            except BatchFailed as error:
                raise BrokenImage("The image can not be decoded. Send the original file.") from error

    async def _infer(self, model: str, image: bytes, deadline: float, timeout_seconds: float) -> Prediction:
        served = self._models.get(model) or await self._learn(model)
        left = deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(timeout_seconds)
        try:
            with translated(model, timeout_seconds):
                result = await self._client.infer(
                    model, [image_input(image)], outputs=[self._output], client_timeout=left
                )
        except ModelUnavailable:
            # What comes back may be another Triton with other classes.
            self._models.pop(model, None)
            raise
        except QueueFull:
            self._readiness.answered(model)
            raise
        self._readiness.answered(model)
        return served.prediction(result)

    async def _learn(self, model: str) -> ServedModel:
        """One call for all requests that wait for it."""
        task = self._learning.get(model)
        if task is None:
            task = self._learning[model] = asyncio.create_task(self._ask_for_labels(model))
            task.add_done_callback(lambda done: self._learned(model, done))
        return await asyncio.shield(task)

    def _learned(self, model: str, task: asyncio.Task[ServedModel]) -> None:
        del self._learning[model]
        if not task.cancelled():
            task.exception()  # looked at, for the case that all who waited have gone

    async def _ask_for_labels(self, model: str) -> ServedModel:
        with translated(model, _PROBE_TIMEOUT_SECONDS):
            served = await learn(self._client, model, self._probe_image, _PROBE_TIMEOUT_SECONDS)
        if model not in self._models:
            log.info("learned", model=model, labels=served.labels)
        self._models[model] = served
        self._readiness.answered(model)
        return served

    async def _probe(self, model: str) -> bool:
        try:
            await self._learn(model)
        except QueueFull:
            self._readiness.answered(model)
        except (GatewayError, InferenceServerException):
            self._models.pop(model, None)
            return False
        return True


def _probe_image() -> bytes:
    """A small grey JPEG, drawn here, to ask Triton with."""
    output = io.BytesIO()
    Image.new("RGB", (32, 32), (127, 127, 127)).save(output, "JPEG")
    return output.getvalue()
