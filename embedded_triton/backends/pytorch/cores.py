"""How a network uses the cores of a processor: all for a photo that came alone, one for each part of a batch."""

import contextlib
import ctypes
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

Tensors = tuple[torch.Tensor, ...]
Network = Callable[..., Tensors]
#: How many photos one core computes at a time: as many as each core can have, for weights are fetched once for them.
_SIZES = (4, 2, 1)
#: TorchScript's just-in-time compiler looks at the first run, compiles in the second, and is fast from the third on.
_RUNS = 3
#: glibc's names (mallopt(3)), and the sizes up to which it shall keep what was freed, and not map single tensors.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES, _MAPPED_BYTES = 512 << 20, 32 << 20
#: A photo that comes within so many seconds of a batch is not alone: it was too late for the batch, and more come.
_PAUSE = 0.002


def keep_freed_memory() -> None:
    """Tell glibc's allocator to keep what layers free; does nothing elsewhere.

    It would give larger tensors back to the system, and have each page of them faulted in again by the next layer: with
    four photos at a time a fifth of the time of `raw`.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


class Cores:
    """The cores that one network has.

    Threads that share a convolution meet after each layer, and whoever comes first waits; cores that have photos of
    their own never do. So each part of a batch is computed by one core, and a core that is done takes the next.
    """

    def __init__(self, load: Callable[[int], Network], *, alone: int, together: int) -> None:
        """Load the network and prepare threads.

        Args:
            load: what loads the network to be computed by so many threads, which takes tensors with the batch as
                their first dimension, and returns such.
            alone: threads for a photo that came alone; the calling thread has so many.
            together: threads for the photos of a batch.
        """
        self._alone = load(alone)
        # oneDNN's fused graph keeps the number of threads and the shape that it first ran with; run with two shapes at
        # the same time before it is compiled, it answers for one of them. So nothing but one size ever meets a copy.
        self._each = {size: load(1) for size in _SIZES}
        self._threads = together
        self._batch_ended = -math.inf
        # OpenMP's number of threads belongs to the thread that sets it.
        self._pool = ThreadPoolExecutor(together, initializer=torch.set_num_threads, initargs=(1,))

    def warm_up(self, *photo: torch.Tensor) -> None:
        """Run what computes parts of a batch until it is compiled: on each of these inputs, with a batch of one."""

        def run(size: int) -> None:
            for _ in range(_RUNS):
                self._each[size](*(torch.cat([each] * size) for each in photo))

        list(self._pool.map(run, self._each))

    def __call__(self, *columns: Sequence[torch.Tensor]) -> Tensors:
        """Return what the network returns about all rows.

        Args:
            columns: for each input the tensors of all requests.
        """
        photos = [[photo for tensor in column for photo in torch.split(tensor, 1)] for column in columns]
        if len(photos[0]) == 1 and time.monotonic() > self._batch_ended + _PAUSE:
            return self._alone(*(column[0] for column in photos))
        answers = self._together(photos)
        if len(photos[0]) > 1:
            self._batch_ended = time.monotonic()
        return answers

    def _together(self, photos: list[list[torch.Tensor]]) -> Tensors:
        parts = ([column[part] for column in photos] for part in self._parts(len(photos[0])))
        answers = self._pool.map(self._compute, parts)
        return tuple(torch.cat(column) for column in zip(*answers, strict=True))

    def _compute(self, columns: list[list[torch.Tensor]]) -> Tensors:
        # Joined here: this thread has a core to itself, the caller's copies would want those of the others.
        return self._each[len(columns[0])](*map(torch.cat, columns))

    def _parts(self, photos: int) -> Iterator[slice]:
        """Cut a batch so that every core has as much to do, the larger parts first."""
        end = 0
        while end < photos:
            left = photos - end
            size = next((size for size in _SIZES if size * self._threads <= left), 1)
            for _ in range(min(left, self._threads)):
                begin, end = end, end + size
                yield slice(begin, end)
