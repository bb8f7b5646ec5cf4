"""How a network uses the cores of a processor: all for a photo that came alone, one for each part of a batch."""

import contextlib
import ctypes
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

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


class _Request:
    """The photos of one request, of which several cores may have some."""

    def __init__(self, columns: Sequence[torch.Tensor]) -> None:
        self.photos = list(zip(*(torch.split(column, 1) for column in columns), strict=True))
        self.future: Future[Tensors] = Future()
        self._found: list[Tensors | Exception | None] = [None] * len(self.photos)
        self._settled = False

    def note(self, index: int, found: Tensors | Exception) -> bool:
        """Note what was found about one photo; return whether that is the last one, or the first that failed."""
        self._found[index] = found
        if self._settled or (None in self._found and not isinstance(found, Exception)):
            return False
        self._settled = True
        return True

    def settle(self) -> None:
        """Complete the future, which calls whoever waits for it."""
        rows = []
        for found in self._found:
            if isinstance(found, Exception):
                self.future.set_exception(found)
                return
            rows.append(found)
        self.future.set_result(tuple(map(torch.cat, zip(*rows, strict=True))))


#: A photo: of a request the one at an index.
_Photo = tuple[_Request, int]


class Cores:
    """The cores that one network has.

    Threads that share a convolution meet after each layer, and whoever comes first waits; cores that have photos of
    their own never do. So each part of a batch is computed by one core, and a core that is done takes the next one. At
    the end of a batch a core may still have nothing to do, unless batches overlap: then the next one comes before that.
    """

    def __init__(self, load: Callable[[int], Network], *, alone: int, together: int, overlap: int = 0) -> None:
        """Load the network and prepare threads.

        Args:
            load: what loads the network to be computed by so many threads, which takes tensors with the batch as
                their first dimension, and returns such.
            alone: threads for a photo that came alone; the calling thread has so many.
            together: threads for the photos of a batch.
            overlap: after a batch of at most so many photos the caller may bring the next before the cores are done.
                Photos are then answered one by one, which for a quick network is more work than a full batch gains.
        """
        self._alone = load(alone)
        # oneDNN's fused graph keeps the number of threads and the shape that it first ran with; run with two shapes at
        # the same time before it is compiled, it answers for one of them. So nothing but one size ever meets a copy.
        self._each = {size: load(1) for size in _SIZES}
        self._threads = together
        self._overlap = overlap
        self._waiting: deque[_Photo] = deque()
        self._busy = 0
        #: How many photos a core takes, and how many cores still do so, before that is reckoned anew.
        self._size = self._takers = 0
        self._several = False
        self._batch_ended = -math.inf
        self._changed = threading.Condition()
        # OpenMP's number of threads belongs to the thread that sets it.
        self._pool = ThreadPoolExecutor(together, initializer=torch.set_num_threads, initargs=(1,))

    def warm_up(self, *photo: torch.Tensor) -> None:
        """Run what computes parts of a batch until it is compiled: on each of these inputs, with a batch of one."""

        def run(size: int) -> None:
            for _ in range(_RUNS):
                self._each[size](*(torch.cat([each] * size) for each in photo))

        list(self._pool.map(run, self._each))

    def __call__(self, requests: Sequence[Sequence[torch.Tensor]]) -> list[Future[Tensors]]:
        """Have a batch computed; where it may overlap, return as soon as the cores want more.

        Args:
            requests: of each request its tensors, one for each input, with at least one row.

        Returns:
            For each request what the network returns about its rows, or the error that it raised; all are done, unless
            the batch may overlap.
        """
        batch = [_Request(columns) for columns in requests]
        photos = [(request, index) for request in batch for index in range(len(request.photos))]
        futures = [request.future for request in batch]
        if len(photos) == 1 and self._is_idle():
            for request in self._compute(self._alone, photos):
                request.settle()
            return futures
        with self._changed:
            self._waiting.extend(photos)
            self._several = self._overlap > 0 or len(photos) > 1
        for _ in photos:
            self._pool.submit(self._compute_next)
        if len(photos) <= self._overlap:
            with self._changed:
                # As many as the next core can take are always there; whoever comes meanwhile waits in Triton's queue.
                self._changed.wait_for(lambda: len(self._waiting) < _SIZES[0])
        else:
            wait(futures)
        return futures

    def _is_idle(self) -> bool:
        with self._changed:
            return not self._busy and not self._waiting and time.monotonic() > self._batch_ended + _PAUSE

    def _compute_next(self) -> None:
        with self._changed:
            if not self._waiting:  # others took more than one
                return
            part = self._take()
            self._busy += 1
            self._changed.notify()
        settled = self._compute(self._each[len(part)], part)
        with self._changed:
            self._busy -= 1
            if self._several:
                self._batch_ended = time.monotonic()
        for request in settled:
            request.settle()

    def _take(self) -> list[_Photo]:
        """Return as many photos as every core that is to share them can have."""
        if not self._takers:
            waiting = len(self._waiting)
            # A batch is shared by all cores; where batches overlap, by those that have nothing to do just now.
            cores = self._threads - self._busy if self._overlap else self._threads
            self._size = next((size for size in _SIZES if size * cores <= waiting), 1)
            self._takers = min(cores, waiting)
        self._takers -= 1
        return [self._waiting.popleft() for _ in range(self._size)]

    def _compute(self, network: Network, part: Sequence[_Photo]) -> list[_Request]:
        """Compute photos together; return the requests that are settled by them."""
        found: Sequence[Tensors | Exception]
        try:
            # Joined here: this thread has a core to itself, the caller's copies would want those of the others.
            columns = zip(*(request.photos[index] for request, index in part), strict=True)
            answers = network(*map(torch.cat, columns))
            found = list(zip(*(torch.split(answer, 1) for answer in answers), strict=True))
        except Exception as error:  # whatever it is, whoever asked has to know
            found = [error] * len(part)
        with self._changed:
            return [request for (request, index), each in zip(part, found, strict=True) if request.note(index, each)]
