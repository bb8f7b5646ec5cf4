"""Batches that overlap: what the cores take before they are done, and what they are waited for."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch

from embedded_triton.backends.pytorch.cores import Cores, Network, Tensors
from tests.unit.embedded_triton.backends.pytorch_backend import batch, numbers


def held() -> tuple[Network, threading.Event]:
    """A network that answers with its photos, once the event is set."""
    release = threading.Event()

    def network(part: torch.Tensor) -> Tensors:
        assert release.wait(20)
        return (part,)

    return network, release


def test_where_batches_overlap_no_core_waits_for_the_end_of_one() -> None:
    """One of two photos takes long: the other core gets as many as it can take at a time, of whichever batch."""
    release = threading.Event()
    sizes: list[int] = []

    def network(part: torch.Tensor) -> Tensors:
        sizes.append(len(part))
        assert 0 not in part or release.wait(20)
        return (part,)

    cores = Cores(lambda _threads: network, alone=2, together=2, overlap=9)
    slow, quick = cores(batch(1, 1))
    assert numbers([quick]) == [[1]]
    for photos in (1, 3, 9):
        assert numbers(cores([[torch.full((photos, 1), 7)]])) == [[7] * photos]
    assert not slow.done()
    assert sizes == [1, 1, 1, 2, 1, 4, 4, 1]
    release.set()
    assert numbers([slow]) == [[0]]


def test_where_batches_overlap_no_more_wait_here_than_a_core_takes() -> None:
    network, release = held()
    returned = threading.Event()
    cores = Cores(lambda _threads: network, alone=1, together=1, overlap=9)
    with ThreadPoolExecutor() as pool:
        first = cores(batch(4, 3))
        second = pool.submit(cores, batch(1))
        second.add_done_callback(lambda _: returned.set())
        assert not returned.wait(0.2), "a batch was taken that nobody can compute yet"
        release.set()
        assert numbers([*first, *second.result(20)]) == [[0, 1, 2, 3], [4, 5, 6], [0]]


def test_a_batch_is_waited_for_that_is_too_large_to_overlap() -> None:
    network, release = held()
    returned = threading.Event()
    cores = Cores(lambda _threads: network, alone=2, together=2, overlap=2)
    with ThreadPoolExecutor() as pool:
        small = cores(batch(1, 1))
        large = pool.submit(cores, batch(3))
        large.add_done_callback(lambda _: returned.set())
        assert not returned.wait(0.2)
        assert not any(future.done() for future in small)
        release.set()
        futures = large.result(20)
        assert all(future.done() for future in futures)
        assert numbers([*small, *futures]) == [[0], [1], [0, 1, 2]]
