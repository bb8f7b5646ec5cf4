"""How a network uses a GPU: recorded once for each of a few batch sizes, replayed for every batch."""

from collections.abc import Callable, Sequence

import torch

Tensors = tuple[torch.Tensor, ...]
Network = Callable[..., Tensors]
#: What replays a recording, and the tensors that its results then are in.
Recording = tuple[Callable[[], None], Tensors]

#: Above as many photos, sizes are as far apart.
_STEP = 8
_WARM_UPS = 3
#: By how much a recording may answer otherwise than the network: half precision rounds at a thousandth.
_MOST_DIFFERENCE = 0.01


class RecordingError(Exception):
    """The network cannot be recorded, or its recording answers otherwise."""


class Graphs:
    """A network as CUDA graphs (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs).

    Launched one by one, the kernels of a batch cost the CPU more time than the GPU; a recording is launched as a
    whole. And cuDNN chooses how to compute each convolution when it first meets a batch size: a quarter of a second in
    which everybody waits. So a batch is filled up to the next recorded size, and all sizes are recorded at the start.
    """

    def __init__(
        self,
        network: Network,
        inputs: Sequence[torch.Tensor],
        record: Callable[[Network, Tensors], Recording] | None = None,
    ) -> None:
        """Record.

        Args:
            network: takes tensors with the batch as their first dimension, and returns such, row by row.
            inputs: a tensor for each input, as large as the largest batch; recordings read them.
            record: how a call of the network is recorded; as a CUDA graph by default.

        Raises:
            RecordingError: it cannot be recorded, or a recording answers otherwise than the network.
        """
        self._inputs = tuple(inputs)
        self.sizes = batch_sizes(len(self._inputs[0]))
        record = record or CudaRecorder()
        self._recordings: dict[int, Recording] = {}
        # The largest first: what the smaller ones need has room in its memory.
        for size in reversed(self.sizes):
            part = tuple(tensor[:size] for tensor in self._inputs)
            try:
                self._recordings[size] = record(network, part)
                _check(network, part, self._recordings[size])
            except RuntimeError as exc:
                # Ending a recording fails too, where something in it failed.
                raise RecordingError(f"a batch of {size}: {exc.__context__ or exc}") from exc

    def __call__(self, *columns: Sequence[torch.Tensor]) -> Tensors:
        """Return what the network returns about all rows, valid until the next call.

        Args:
            columns: for each input the tensors of all requests.
        """
        count = sum(map(len, columns[0]))
        replay, outputs = self._recordings[next(size for size in self.sizes if size >= count)]
        for column, tensor in zip(columns, self._inputs, strict=True):
            torch.cat(list(column), out=tensor[:count])
        replay()
        return tuple(output[:count] for output in outputs)


def _check(network: Network, inputs: Tensors, recording: Recording) -> None:
    for tensor in inputs:
        tensor.normal_() if tensor.is_floating_point() else tensor.random_(256)
    replay, outputs = recording
    replay()
    for recorded, computed in zip(outputs, network(*inputs), strict=True):
        if not torch.allclose(recorded.float(), computed.float(), rtol=_MOST_DIFFERENCE, atol=_MOST_DIFFERENCE):
            raise RecordingError(f"a recorded batch of {len(recorded)} is not what the network computes")


class CudaRecorder:
    """Records calls as CUDA graphs that share their memory: only one of them runs at a time."""

    def __init__(self) -> None:
        self._memory = torch.cuda.graph_pool_handle()

    def __call__(self, network: Network, inputs: Tensors) -> Recording:
        """Call the network until it has chosen its algorithms, then record a call of it."""
        stream = torch.cuda.Stream(inputs[0].device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(inputs[0].device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UPS):
                network(*inputs)
        torch.cuda.current_stream(inputs[0].device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # The outer one leads back to this stream also where ending the recording fails.
        here = torch.cuda.stream(torch.cuda.current_stream(inputs[0].device))
        with here, torch.cuda.graph(graph, pool=self._memory):
            outputs = network(*inputs)
        return graph.replay, outputs


def batch_sizes(most: int) -> tuple[int, ...]:
    """Return the sizes that are recorded, up to the largest batch: 1, 2, 4, 8, 16, 24 and so on."""
    small = [size for size in (1, 2, 4) if size < most]
    return (*small, *range(_STEP, most, _STEP), most)
