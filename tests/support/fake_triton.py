"""A gRPC server that speaks Triton's protocol and misbehaves on request, on a port of the loopback address."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from gateway.triton.client import probe_image
from imaging.jpeg import with_extraneous_bytes

LABELS = ("glass", "paper", "cardboard", "plastic", "metal", "trash")
PROBABILITIES = (0.1, 0.05, 0.05, 0.1, 0.6, 0.1)
MAPS = np.arange(6 * 2 * 3, dtype=np.float32).reshape(6, 2, 3)

Behaviour = Callable[[bytes, grpc.aio.ServicerContext[Any, Any]], Awaitable[None]]

# What the two DALI backends say of an image that they cannot decode, as they were seen to say it.
OWN_DECODE_ERROR = (grpc.StatusCode.INVALID_ARGUMENT, "1 of 1 images could not be decoded: nvImageCodec failure: '#17'")
NATIVE_DECODE_ERROR = (
    grpc.StatusCode.UNKNOWN,
    "Runtime error: Critical error in pipeline:\nError in MIXED operator `nvidia.dali.fn.decoders.image`,\n"
    "which was used in the pipeline definition with the following traceback:\n\nencountered:\n\n"
    "nvImageCodec failure: '#17'\nCurrent pipeline object is no longer valid.",
)
DAMAGED_PROBE = with_extraneous_bytes(probe_image())
DAMAGED_ERROR = (
    grpc.StatusCode.INVALID_ARGUMENT,
    "in ensemble 'raw', 1 of 1 images could not be decoded: The JPEG file is cut off or damaged (Corrupt JPEG data: 24 "
    "extraneous bytes before marker 0xd9).",
)
QUEUE_FULL = (grpc.StatusCode.UNAVAILABLE, "in ensemble 'raw', Exceeds maximum queue size")
STUB_DEAD = (grpc.StatusCode.INTERNAL, "in ensemble 'raw', Stub process 'dali_0_0' is not healthy.")


class FakeTriton(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Counts what it is asked; `behaviour` may wait or abort before the answer."""

    def __init__(self) -> None:
        self.labels: tuple[str, ...] = LABELS
        self.classified = len(LABELS)  # so many classes have a label
        self.parameters: dict[str, str] = {"weights_digest": "0123456789ab", "confidence_threshold": "0.55"}
        self.models = {"raw", "pretrained", "raw_explain", "pretrained_explain"}
        self.finds_damage = False
        self.damaged: list[str] = []  # models that were asked about the JPEG which only some decoders refuse
        self.behaviour: Behaviour | None = None
        self.inferences: list[str] = []
        self.classifications: list[str] = []
        self.metadata: list[dict[str, str]] = []
        self.port = 0

    async def start(self, host: str = "127.0.0.1") -> str:
        """Listens, on the same port as before where there was one, and says where."""
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"{host}:{self.port}")
        await self._server.start()
        return f"{host}:{self.port}"

    async def stop(self) -> None:
        """Breaks all connections at once."""
        await self._server.stop(grace=None)

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802 (the protocol's name)
        self.metadata.append(dict(context.invocation_metadata()))
        # A request that names no output wants all of them.
        count = request.outputs[0].parameters["classification"].int64_param if request.outputs else 0
        is_damaged = request.raw_input_contents[0] == DAMAGED_PROBE
        asked = self.damaged if is_damaged else self.classifications if count else self.inferences
        asked.append(request.model_name)
        if is_damaged and self.finds_damage:
            await context.abort(*DAMAGED_ERROR)
        if self.behaviour is not None:
            await self.behaviour(request.raw_input_contents[0], context)
        response = service_pb2.ModelInferResponse(model_name=request.model_name, model_version="1")
        if count:
            ranked = sorted(enumerate(PROBABILITIES), key=lambda pair: -pair[1])[: min(count, self.classified)]
            texts = [f"{probability:f}:{index}:{self.labels[index]}".encode() for index, probability in ranked]
            response.outputs.add(name="PROBABILITIES", datatype="BYTES", shape=[1, len(texts)])
            response.raw_output_contents.append(b"".join(len(text).to_bytes(4, "little") + text for text in texts))
        else:
            response.outputs.add(name="PROBABILITIES", datatype="FP32", shape=[1, len(PROBABILITIES)])
            response.raw_output_contents.append(np.array(PROBABILITIES, np.float32).tobytes())
        if any(output.name == "ACTIVATION_MAPS" for output in request.outputs):
            response.outputs.add(name="ACTIVATION_MAPS", datatype="FP32", shape=[1, *MAPS.shape])
            response.raw_output_contents.append(MAPS.tobytes())
        return response

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802 (the protocol's name)
        if request.name not in self.models:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Request for unknown model: '{request.name}' is not found")
        return service_pb2.ModelReadyResponse(ready=True)

    async def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 (the protocol's name)
        response = service_pb2.ModelConfigResponse()
        response.config.name = request.name
        for key, value in self.parameters.items():
            response.config.parameters[key].string_value = value
        return response


def aborting(status: grpc.StatusCode, message: str) -> Behaviour:
    """Fails every request so."""

    async def behave(_: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await context.abort(status, message)

    return behave


def slow(seconds: float) -> Behaviour:
    """Answers every request late."""

    async def behave(_: bytes, __: grpc.aio.ServicerContext[Any, Any]) -> None:
        await asyncio.sleep(seconds)

    return behave
