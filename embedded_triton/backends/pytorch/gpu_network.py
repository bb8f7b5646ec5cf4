"""Computes a network on a GPU by PyTorch."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from embedded_triton.backends.pytorch.graphs import Graphs, Network, RecordingError, Tensors

#: Triton's types of tensors, and PyTorch's.
_TYPES = {
    "UINT8": torch.uint8,
    "INT32": torch.int32,
    "INT64": torch.int64,
    "FP16": torch.half,
    "FP32": torch.float,
}


class GpuNetwork:
    """A frozen TorchScript module that runs one batch for all the requests that it is handed."""

    def __init__(
        self,
        path: Path,
        config: Mapping[str, Any],
        *,
        device: torch.device,
        half: bool,
        graphs: bool = True,
        warn: Callable[[str], None],
    ) -> None:
        """Load the module onto the device, and record it there.

        Args:
            path: the TorchScript file.
            config: the model's configuration.
            device: of the instance.
            half: whether to compute in half precision.
            graphs: whether to record CUDA graphs.
            warn: is called with a sentence where the network runs slower than it could.
        """
        self._device = device
        self._dtype = torch.half if half else torch.float
        inputs = _largest_batch(config, device, self._dtype) if graphs else None
        self._network = _recorded(self._load(path), inputs, warn)

    def __call__(self, requests: Sequence[Sequence[Any]], outputs: Sequence[int]) -> list[list[torch.Tensor]]:
        """Compute one batch.

        Args:
            requests: for each request its tensors, one for each input, that offer DLPack.
            outputs: the numbers of the outputs that somebody asks for.

        Returns:
            For each request its rows of those outputs, on the host in FP32.
        """
        # A tensor of the stub has no work pending, so there is no stream to wait for; where it is on this GPU already
        # (FORCE_CPU_ONLY_INPUT_TENSORS: no), nothing is copied.
        inputs = [[self._tensor(torch.utils.dlpack.from_dlpack(each)) for each in request] for request in requests]
        results = self._network(*zip(*inputs, strict=True))
        # The answers are small: one copy to the host for the whole batch, and only of what somebody asked for, is
        # cheaper than handing over a tensor on the GPU for each request. It also waits until they are computed.
        sizes = [len(tensors[0]) for tensors in inputs]
        split = [results[index].float().cpu().split(sizes) for index in outputs]  # type: ignore[no-untyped-call]
        return [[rows.contiguous() for rows in request] for request in zip(*split, strict=True)]

    def _load(self, path: Path) -> Network:
        module = _frozen(path, self._device, self._dtype)

        def compute(*batches: torch.Tensor) -> Tensors:
            # The graph is frozen and no more: what the executor would specialise and compile at run time, it would
            # compile anew for every batch size.
            compiling = torch.jit.optimized_execution(False)  # type: ignore[attr-defined]
            with torch.inference_mode(), compiling:
                result = module(*map(_laid_out, batches))
            return (result,) if isinstance(result, torch.Tensor) else tuple(result)

        return compute

    def _tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._device, self._dtype if tensor.is_floating_point() else tensor.dtype)


def _laid_out(batch: torch.Tensor) -> torch.Tensor:
    """Return a batch of images as tensor cores take it."""
    return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch


def _frozen(path: Path, device: torch.device, dtype: torch.dtype) -> Any:
    with warnings.catch_warnings():
        # TorchScript is in maintenance, and every torch.jit call says so; the native backend takes nothing else.
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
        return torch.jit.freeze(module.eval().to(memory_format=torch.channels_last, dtype=dtype))


def _recorded(
    network: Network, inputs: list[torch.Tensor] | None, warn: Callable[[str], None]
) -> Callable[..., Tensors]:
    """Return the network as recordings of it; as it is, where its inputs are not fixed or it cannot be recorded."""
    if inputs is None:
        return _joining(network)
    try:
        return Graphs(network, inputs)
    except RecordingError as exc:
        warn(f"The network runs without CUDA graphs, slower: {exc}")
        return _joining(network)


def _joining(network: Network) -> Callable[..., Tensors]:
    """Return what calls the network with the tensors of all requests as one batch."""
    return lambda *columns: network(*map(torch.cat, columns))


def _largest_batch(config: Mapping[str, Any], device: torch.device, dtype: torch.dtype) -> list[torch.Tensor] | None:
    """Return a tensor for each input, as large as a batch can be; None where that is not fixed."""
    fixed = all(int(each) > 0 for tensor in config["input"] for each in tensor["dims"])
    names = [tensor["data_type"].removeprefix("TYPE_") for tensor in config["input"]]
    if not fixed or not _TYPES.keys() >= set(names) or int(config["max_batch_size"]) < 1:
        return None
    shapes = [(int(config["max_batch_size"]), *map(int, tensor["dims"])) for tensor in config["input"]]
    return [
        torch.zeros(shape, dtype=dtype if _TYPES[name].is_floating_point else _TYPES[name], device=device)
        for shape, name in zip(shapes, names, strict=True)
    ]
