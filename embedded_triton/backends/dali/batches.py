"""Takes DALI's batches apart and puts answers together, on the host or on the GPU.

The classes do the same. `DeviceBatches` never brings a pixel to the host: every answer is a view of DALI's output.
DALI keeps an output as long as there is a view of it (`exec_dynamic`, its default), and `Pipeline.run` without a stream
returns finished outputs, so whoever reads them needs to wait for nothing. A single image is handed over as a DLPack
capsule, for which Triton's stub does not wait. Several are put together by PyTorch and handed over as its tensor: the
stub names a stream of its own, which waits for PyTorch's, and waits for that.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from nvidia.dali.tensors import TensorCPU


class HostBatches:
    """Answers are NumPy arrays in the memory of the process."""

    def split(self, output: Any) -> list[Any]:
        """Return each sample of an output of the pipeline."""
        return list(np.array(output.as_cpu().as_tensor()))

    def join(self, samples: Sequence[Any]) -> Any:
        """Return a batch of samples that offers DLPack."""
        # The stub takes DALI's tensors; about NumPy's own DLPack capsules it prints a traceback for each request.
        return TensorCPU(np.stack(samples))

    def to_host(self, sample: Any) -> Any:
        """Return a sample as a NumPy array."""
        return np.array(sample)

    def from_host(self, pixels: Any) -> Any:
        """Return a NumPy array as a sample."""
        return pixels


class DeviceBatches:
    """Answers are PyTorch's tensors on the device that DALI's output is on."""

    def __init__(self, torch: Any, device: str) -> None:
        self._torch = torch
        self._device = device

    def split(self, output: Any) -> list[Any]:
        """Return each sample of an output of the pipeline, without a copy."""
        return list(self._torch.from_dlpack(output.as_tensor()))

    def join(self, samples: Sequence[Any]) -> Any:
        """Return a batch of samples for DLPack; of a single one, as nearly all requests have, a capsule of its view."""
        if len(samples) == 1:
            return self._torch.utils.dlpack.to_dlpack(samples[0][None])
        return self._torch.stack(list(samples))

    def to_host(self, sample: Any) -> Any:
        """Return a sample as a NumPy array."""
        return sample.cpu().numpy()

    def from_host(self, pixels: Any) -> Any:
        """Return a NumPy array as a sample."""
        return self._torch.from_numpy(pixels).to(self._device)


class FinishedBatches(HostBatches):
    """Answers are what a function of the model makes of DALI's output, image by image: NumPy arrays."""

    def __init__(self, finish: Callable[[Any], Any], threads: int) -> None:
        self._finish = finish
        # An image for each thread, instead of an image for all of them: they never wait for one another.
        self._pool = ThreadPoolExecutor(threads)

    def split(self, output: Any) -> list[Any]:
        """Return each sample, finished; they may have had different sizes."""
        return list(self._pool.map(self._finish, output))


def batches_for(
    *, gpu: int | None, finish: Callable[[Any], Any] | None = None, threads: int = 1
) -> HostBatches | DeviceBatches:
    """Return what fits the instance.

    Args:
        gpu: the GPU that its pixels are on; they stay there where this PyTorch can use it (`TORCH=cpu` cannot).
        finish: what the model does with an image that DALI decoded on a CPU; None where DALI does it all.
        threads: how many images are finished at a time.
    """
    if finish is not None:
        return FinishedBatches(finish, threads)
    if gpu is not None:
        # Only here: in this process PyTorch costs memory.
        import torch

        if torch.cuda.is_available():
            return DeviceBatches(torch, f"cuda:{gpu}")
    return HostBatches()
