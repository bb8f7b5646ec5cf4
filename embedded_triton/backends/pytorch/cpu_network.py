"""Computes a network on a CPU by OpenVINO."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import openvino as ov

from embedded_triton.install.cpu import Precision

Array = np.ndarray[Any, np.dtype[Any]]
#: Is called with the outputs of a request, each with a row for each of its photos, or with what went wrong.
Done = Callable[[Sequence[Array] | Exception], None]

_PRECISIONS = {"float32": ov.Type.f32, "bfloat16": ov.Type.bf16}


class _Request:
    """Collects what streams compute for the photos of one request."""

    def __init__(self, photos: int, done: Done) -> None:
        self._rows: list[Sequence[Array] | None] = [None] * photos
        self._left = photos
        self._done = done
        self._lock = threading.Lock()

    def collect(self, photo: int, row: Sequence[Array]) -> bool:
        """Take the outputs of one photo, and return whether they were the last."""
        with self._lock:
            self._rows[photo] = row
            self._left -= 1
            return self._left == 0

    def complete(self) -> None:
        """Hand all outputs over."""
        rows = [row for row in self._rows if row is not None]
        self._done(rows[0] if len(rows) == 1 else [np.concatenate(outputs) for outputs in zip(*rows, strict=True)])

    def fail(self, error: Exception) -> None:
        """Hand the error over."""
        self._done(error)


class CpuNetwork:
    """A network in two copies: each stream of the one computes a photo on one core, the other has all cores for one.

    A photo for each stream is as fast as a batch for each, and no photo waits for a batch to be complete
    (docs/experiments.md, 2026-11-30).
    """

    def __init__(self, model: Any, *, threads: int, precision: Precision) -> None:
        """Compile.

        Args:
            model: a model of OpenVINO whose inputs and outputs have one row.
            threads: cores that the network may use.
            precision: in which it computes.
        """
        common = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
            "INFERENCE_NUM_THREADS": threads,
            # The cores are shared with the other network, the decoder and the gateway.
            "ENABLE_CPU_PINNING": False,
        }
        core = ov.Core()
        self._streams = core.compile_model(model, "CPU", common | {"PERFORMANCE_HINT": "THROUGHPUT"})
        self._alone = core.compile_model(model, "CPU", common | {"PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
        self._outputs = range(len(self._streams.outputs))
        self._queue = self._new_queue()
        self._pending: set[_Request] = set()
        self._lock = threading.Lock()

    @property
    def is_idle(self) -> bool:
        """Whether no stream has work."""
        return not self._pending

    def infer(self, inputs: Sequence[Array]) -> Sequence[Array]:
        """Compute one photo, with one row in each input, on all cores, and return its outputs.

        Raises:
            RuntimeError: it cannot be computed.
        """
        self._alone.infer(dict(enumerate(inputs)))
        return [self._alone.get_output_tensor(index).data.copy() for index in self._outputs]

    def start(self, inputs: Sequence[Array], done: Done) -> None:
        """Have the photos of a request computed, each by the next stream that is free.

        Returns as soon as the last of them has been taken; until then the caller waits, and requests that come
        meanwhile make up its next batch.

        Args:
            inputs: each with a row for each photo.
            done: is called once, by another thread.
        """
        request = _Request(len(inputs[0]), done)
        with self._lock:
            self._pending.add(request)
        try:
            for photo in range(len(inputs[0])):
                row = {index: each[photo : photo + 1] for index, each in enumerate(inputs)}
                self._queue.start_async(row, (request, photo))
        except RuntimeError as exc:
            self._fail_all(exc)

    def wait(self) -> None:
        """Wait until every request has been answered."""
        try:
            self._queue.wait_all()
        except RuntimeError as exc:
            self._fail_all(exc)

    def _new_queue(self) -> Any:
        # Two jobs for each stream: while the answer of one is sent, the stream computes the next.
        jobs = 2 * self._streams.get_property("NUM_STREAMS")
        queue = ov.AsyncInferQueue(self._streams, jobs)
        queue.set_callback(self._collect)
        return queue

    def _collect(self, job: Any, given: tuple[_Request, int]) -> None:
        """Take what a job has computed; its outputs are overwritten by the next one."""
        request, photo = given
        row = [job.get_output_tensor(index).data.copy() for index in self._outputs]
        if request.collect(photo, row) and self._settle(request):
            request.complete()

    def _settle(self, request: _Request) -> bool:
        """Return whether nobody has answered the request yet."""
        with self._lock:
            if request not in self._pending:
                return False
            self._pending.remove(request)
            return True

    def _fail_all(self, error: Exception) -> None:
        """Answer everything with the error that one job had: the queue does not say which one, nor goes on."""
        self._queue = self._new_queue()
        for request in list(self._pending):
            if self._settle(request):
                request.fail(error)
