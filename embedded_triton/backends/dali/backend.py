"""Python-based stand-in for Triton's native DALI backend, for machines where only the server of the wheel is.

It takes the same model folders: ``dali.py`` with one ``@autoserialize`` pipeline, or a serialised ``model.dali``. Where
``dali.py`` has a pipeline ``decode`` too, which decodes and no more, a CPU takes that one and resizes as training does,
and JPEG and some other images are decoded without DALI (``host_decoder.py``).
Unlike the native backend it fails only the requests whose images cannot be decoded, not the whole batch. On a GPU the
pixels stay there: backends and Triton hand them over by DLPack, and Triton copies each image twice on the way.
"""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from nvidia.dali.pipeline import Pipeline
from nvidia.dali.tensors import TensorCPU
from PIL import Image

from embedded_triton.backends.dali.batches import batches_for
from embedded_triton.backends.dali.host_decoder import Decoding, HostDecoder
from embedded_triton.backends.dali.isolation import run_isolated
from embedded_triton.backends.dali.messages import caught_messages
from imaging.resize import resize

Array = np.ndarray[Any, np.dtype[Any]]

#: Mean difference in levels of 255 up to which an answer is the same: a GPU has two decoders for JPEG, which differ by
#: less than one.
_SAME = 2.5


class TritonPythonModel:
    """One instance: one DALI pipeline, which runs one batch for all the requests that it is handed."""

    def initialize(self, args: dict[str, str]) -> None:
        """Build the pipeline.

        Args:
            args: what the Python backend says of the instance; ``model_config`` is the configuration as JSON.

        Raises:
            pb_utils.TritonModelException: the version folder holds no pipeline, or it cannot be built.
        """
        config = json.loads(args["model_config"])
        self._input = config["input"][0]["name"]
        self._output = config["output"][0]["name"]
        folder = Path(args["model_repository"], args["model_version"])
        on_gpu = args["model_instance_kind"] == "GPU"
        options: dict[str, Any] = {
            "batch_size": max(1, int(config["max_batch_size"])),
            "device_id": int(args["model_instance_device_id"]) if on_gpu else None,
        }
        if "num_threads" in config["parameters"]:
            options["num_threads"] = int(config["parameters"]["num_threads"]["string_value"])
        size = int(config["output"][0]["dims"][-1])
        self._build, has_decode = _pipeline_builder(folder, options, on_gpu=on_gpu)
        self._first_batch = _warm_up(config, folder.parent) * options["batch_size"] if on_gpu else []
        self._pipeline = self._built()
        threads = self._pipeline.num_threads
        finish = (lambda image: _resize(image, size)) if has_decode and not on_gpu else None
        self._batches = batches_for(gpu=options["device_id"], finish=finish, threads=threads)
        self._host = HostDecoder(size, threads, takes_jpeg=not on_gpu) if has_decode else None
        self._answers_late = not on_gpu  # there the pixels belong to this thread's stream
        self._known: tuple[Array, Array] | None = None

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer every request with its tensors, or with the reason why its image could not be decoded."""
        samples: list[Any] = []
        spans: list[range] = []
        for request in requests:
            # DLPack only: as_numpy() of the wheel's stub returns wrong values under numpy 2 without an error.
            batch = np.from_dlpack(pb_utils.get_input_tensor_by_name(request, self._input))
            spans.append(range(len(samples), len(samples) + len(batch)))
            samples.extend(batch)
        pending = [self._host.submit(sample) for sample in samples] if self._host else [None] * len(samples)
        rest = [sample for sample, decoding in zip(samples, pending, strict=True) if decoding is None]
        by_dali = iter(run_isolated(rest, self._run))
        answers = [next(by_dali) if decoding is None else decoding for decoding in pending]
        return [
            self._answer(request, [answers[index] for index in span])
            for request, span in zip(requests, spans, strict=True)
        ]

    def finalize(self) -> None:
        """Answer what is still being decoded."""
        if self._host:
            self._host.close()

    def _answer(self, request: Any, answers: list[Any]) -> Any:
        """Return the response; None for a huge image, which is answered by itself: others do not wait for it."""
        first = answers[0]
        if self._answers_late and len(answers) == 1 and isinstance(first, Decoding) and first.is_huge:
            first.pixels.add_done_callback(lambda _: self._send(request, first))
            return None
        return self._respond([self._finished(each) if isinstance(each, Decoding) else each for each in answers])

    def _send(self, request: Any, decoding: Decoding) -> None:
        try:
            response = self._respond([self._finished(decoding)])
            request.get_response_sender().send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        except Exception as exc:  # nobody else would say it: this runs in a thread of the decoder
            pb_utils.Logger.log_error(f"A response could not be sent: {type(exc).__name__}: {exc}")

    def _finished(self, decoding: Decoding) -> Any:
        try:
            return self._batches.from_host(decoding.pixels.result())
        except Exception as exc:  # the fault of one image
            return exc

    def _run(self, samples: list[Any]) -> list[Any]:
        try:
            answers = self._decode(samples)
        except RuntimeError:
            # DALI calls a pipeline invalid after an error, and it goes on all the same. Building another takes 2 ms on
            # a CPU but about a second on a GPU: a client with broken images must not have that for the asking.
            if not self._still_right():
                self._pipeline = self._built()
            raise
        if self._known is None:
            self._known = np.array(samples[0]), self._batches.to_host(answers[0])
        return answers

    def _built(self) -> Any:
        """Build the pipeline; on a GPU its first batch is full: it fixes the share of the JPEG engines for good."""
        pipeline = self._build()
        if self._first_batch:
            pipeline.feed_input(self._input, [TensorCPU(sample) for sample in self._first_batch])
            pipeline.run()
        return pipeline

    def _decode(self, samples: list[Any]) -> list[Any]:
        self._pipeline.feed_input(self._input, [TensorCPU(sample) for sample in samples])
        messages: list[str] = []
        try:
            with caught_messages(messages):
                (output,) = self._pipeline.run()
        except RuntimeError as exc:
            raise RuntimeError(messages[0] if messages else _reason(exc)) from exc
        return self._batches.split(output)

    def _still_right(self) -> bool:
        """Say whether the pipeline answers as before about the first image that it ever decoded, Triton's warm-up."""
        if self._known is None:
            return False
        image, expected = self._known
        try:
            (answer,) = self._decode([image])
        except RuntimeError:
            return False
        return bool(np.abs(self._batches.to_host(answer).astype(float) - expected).mean() <= _SAME)

    def _respond(self, answers: list[Any]) -> Any:
        faults = [answer for answer in answers if isinstance(answer, Exception)]
        if faults:
            message = f"{len(faults)} of {len(answers)} images could not be decoded: {_reason(faults[0])}"
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG))
        return pb_utils.InferenceResponse([pb_utils.Tensor.from_dlpack(self._output, self._batches.join(answers))])


def _pipeline_builder(folder: Path, options: dict[str, Any], *, on_gpu: bool) -> tuple[Callable[[], Any], bool]:
    """Return what builds the pipeline, and whether the model has a pipeline that decodes only, which a CPU takes."""
    serialised, source = folder / "model.dali", folder / "dali.py"
    if serialised.is_file():
        content = serialised.read_bytes()

        def deserialise() -> Any:
            return Pipeline.deserialize(content, **options)

        return deserialise, False
    if not source.is_file():
        raise pb_utils.TritonModelException(f"{folder} holds neither model.dali nor dali.py")
    module = _import(source)
    marked = [value for value in vars(module).values() if getattr(value, "_is_autoserialize", False)]
    if len(marked) != 1:
        raise pb_utils.TritonModelException(f"{source} must mark one pipeline with @autoserialize, not {len(marked)}")
    has_decode = hasattr(module, "decode")
    define = module.decode if has_decode and not on_gpu else marked[0]

    def build() -> Any:
        pipeline = define(**options)
        pipeline.build()
        return pipeline

    return build, has_decode


def _warm_up(config: dict[str, Any], folder: Path) -> list[Array]:
    """Return the image by which Triton warms the model up, if it has one."""
    inputs = [tensor for each in config.get("model_warmup", [])[:1] for tensor in each["inputs"].values()]
    files = [tensor["input_data_file"] for tensor in inputs]
    return [np.frombuffer((folder / "warmup" / file).read_bytes(), np.uint8) for file in files]


def _resize(image: Any, size: int) -> Array:
    pixels = np.from_dlpack(image)
    height, width, _ = pixels.shape
    return resize(Image.frombuffer("RGB", (width, height), pixels, "raw", "RGB", 0, 1), size)


def _import(source: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(source.stem, source)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _reason(fault: Exception) -> str:
    text = str(fault)
    lines = [line.strip() for line in (text.partition("encountered:")[2] or text).splitlines() if line.strip()]
    return lines[0] if lines else type(fault).__name__
