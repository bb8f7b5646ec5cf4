"""Computes a batch on all cores of a processor: each computes a part of it, by one thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

Tensors = tuple[torch.Tensor, ...]


class Cores:
    """Several cores for one network.

    Threads that share one convolution meet after each layer, and whoever comes first waits; two cores that have photos
    of their own never do. A photo that came alone is computed by all cores together all the same.
    """

    def __init__(self, compute: Callable[..., Tensors], count: int) -> None:
        """Prepare ``count`` threads, for ``compute``: tensors with the batch as their first dimension, to such."""
        self._compute, self._count = compute, count
        # OpenMP's number of threads belongs to the thread that sets it: this one's stays as it is.
        self._pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))

    def __call__(self, *batches: torch.Tensor) -> Tensors:
        """Return what ``compute`` returns about the whole batch."""
        parts = min(self._count, len(batches[0]))
        if parts == 1:
            return self._compute(*batches)
        split = zip(*(batch.tensor_split(parts) for batch in batches), strict=True)
        answers = self._pool.map(lambda part: self._compute(*part), split)
        return tuple(torch.cat(column) for column in zip(*answers, strict=True))
