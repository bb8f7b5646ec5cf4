"""How a network uses the cores of a processor: all for a photo that came alone, one for each part of a batch."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

Tensors = tuple[torch.Tensor, ...]


class Cores:
    """The cores that one network has.

    Threads that share a convolution meet after each layer, and whoever comes first waits; cores that have photos of
    their own never do. So a batch is cut into as many parts as there are cores for it, and each has one thread.
    """

    def __init__(self, compute: Callable[..., Tensors], *, alone: int, together: int) -> None:
        """Prepare threads.

        Args:
            compute: tensors with the batch as their first dimension, to such.
            alone: threads for a photo that came alone.
            together: threads for the photos of a batch.
        """
        self._compute, self._alone, self._together = compute, alone, together
        # OpenMP's number of threads belongs to the thread that sets it.
        self._pool = ThreadPoolExecutor(together, initializer=torch.set_num_threads, initargs=(1,))

    def __call__(self, *batches: torch.Tensor) -> Tensors:
        """Return what ``compute`` returns about the whole batch."""
        photos = len(batches[0])
        parts = min(self._together, photos)
        if parts == 1:
            torch.set_num_threads(self._alone if photos == 1 else 1)
            return self._compute(*batches)
        split = zip(*(batch.tensor_split(parts) for batch in batches), strict=True)
        answers = self._pool.map(lambda part: self._compute(*part), split)
        return tuple(torch.cat(column) for column in zip(*answers, strict=True))
