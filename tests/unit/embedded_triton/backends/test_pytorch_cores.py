"""The PyTorch backend on a processor: threads, cores and the fused graph."""

import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from embedded_triton.backends.pytorch import cores as module
from embedded_triton.backends.pytorch.cores import Cores, Network, Tensors
from tests.unit.embedded_triton.backends.backend_loading import load_backend
from tests.unit.embedded_triton.backends.pytorch_backend import (
    batch,
    execute,
    folder,
    load,
    network,
    numbers,
    requests_of,
    values,
)

__all__ = ["folder", "network"]  # fixtures


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


class Spy(Cores):
    """Cores that write down how many photos each call of the network has, and on how many threads."""

    calls: ClassVar[list[tuple[int, int]]] = []

    def __init__(self, load: Callable[[int], Network], **given: Any) -> None:
        def load_and_watch(threads: int) -> Network:
            network = load(threads)

            def watched(batch: torch.Tensor) -> Tensors:
                self.calls.append((len(batch), torch.get_num_threads()))
                return network(batch)

            return watched

        super().__init__(load_and_watch, **given)


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(
    ("threads", "instances", "at_a_time"),
    [(None, 1, 4), (None, 2, 2), (None, 3, 1), ("1", 1, 1), ("2", 3, 2)],
)
def test_each_part_of_a_batch_has_a_core_and_a_photo_that_came_alone_has_all(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads: str | None,
    instances: int,
    at_a_time: int,
) -> None:
    given = {} if threads is None else {"INTRA_OP_THREAD_COUNT": threads}
    monkeypatch.setattr(Spy, "calls", [])
    model = load(folder, monkeypatch, instances=instances, cores=Spy, **given)
    execute(model, requests_of(1, 1, 4))
    assert sum(photos for photos, _threads in Spy.calls) == 6
    assert {threads for _photos, threads in Spy.calls} == {1}
    for pause, used in ((60.0, 1), (0.0, int(threads or 4))):
        # At the heels of a batch a photo is not alone.
        monkeypatch.setattr(module, "_PAUSE", pause)
        monkeypatch.setattr(Spy, "calls", [])
        execute(model, requests_of(1))
        assert Spy.calls == [(1, used)]
    assert model._cores._pool._max_workers == at_a_time


@pytest.mark.parametrize(
    ("photos", "cores", "parts"),
    [
        (2, 2, [1, 1]),
        (3, 2, [1, 1, 1]),
        (5, 2, [2, 2, 1]),
        (6, 2, [2, 2, 1, 1]),
        (7, 2, [2, 2, 1, 1, 1]),
        (8, 2, [4, 4]),
        (15, 2, [4, 4, 2, 2, 1, 1, 1]),
        (5, 1, [4, 1]),
        (3, 8, [1, 1, 1]),
        (9, 8, [1] * 9),
    ],
)
def test_no_core_has_more_than_one_photo_more_to_do(photos: int, cores: int, parts: list[int]) -> None:
    sizes: list[int] = []

    def network(part: torch.Tensor) -> Tensors:
        sizes.append(len(part))
        return (part,)

    answers = Cores(lambda _threads: network, alone=cores, together=cores)(batch(photos))
    assert all(answer.done() for answer in answers)
    assert numbers(answers) == [list(range(photos))]
    assert sorted(sizes, reverse=True) == parts


def test_a_copy_of_the_network_meets_one_size_and_one_number_of_threads() -> None:
    """TorchScript's executor, run with two shapes at once before it has compiled, answered 8 rows for 9 photos."""
    met: dict[int, set[tuple[int, int]]] = {}

    def load(threads: int) -> Network:
        copy = len(met)
        met[copy] = set()

        def network(part: torch.Tensor) -> Tensors:
            met[copy].add((len(part), threads))
            return (part,)

        return network

    cores = Cores(load, alone=3, together=3)
    for photos in range(1, 20):
        assert numbers(cores(batch(photos))) == [list(range(photos))]
    assert sorted(met.values(), key=sorted) == [{(1, 1)}, {(1, 3)}, {(2, 1)}, {(4, 1)}]


def test_what_computes_parts_is_compiled_before_the_first_batch() -> None:
    met: list[tuple[int, int]] = []

    def load(threads: int) -> Network:
        return lambda part: met.append((len(part), threads)) or (part,)  # type: ignore[func-returns-value]

    Cores(load, alone=2, together=2).warm_up(torch.zeros(1, 1))
    assert sorted(met) == [(size, 1) for size in (1, 2, 4) for _ in range(3)]


def test_photos_that_come_one_by_one_have_all_cores() -> None:
    """So do those of the warm-up, without which the first photo that comes alone would wait for the compiler."""
    used: list[int] = []

    def load(threads: int) -> Network:
        return lambda photo: used.append(threads) or (photo,)  # type: ignore[func-returns-value]

    cores = Cores(load, alone=2, together=2)
    for _ in range(3):
        cores(batch(1))
    assert used == [2, 2, 2]


def test_a_core_that_is_done_takes_the_next_part() -> None:
    first_is_held, others_are_done = threading.Event(), threading.Event()

    def network(photo: torch.Tensor) -> Tensors:
        if 0 in photo:
            first_is_held.set()
            assert others_are_done.wait(20), "the photos behind the slow ones wait for them"
        else:
            assert first_is_held.wait(20)
        if 5 in photo:
            others_are_done.set()
        return (photo * 2,)

    answers = Cores(lambda _threads: network, alone=2, together=2)(batch(6))
    assert numbers(answers) == [[0, 2, 4, 6, 8, 10]]


def test_whoever_shares_a_part_with_a_photo_that_fails_is_told_and_nobody_else() -> None:
    def network(part: torch.Tensor) -> Tensors:
        if 3 in part:
            raise RuntimeError("no such photo")
        return (part,)

    cores = Cores(lambda _threads: network, alone=1, together=2)
    # Parts of 2, 2 and 1 photos: of the requests 0 and 1, 2 and 3, and 4.
    first, failed, last = cores(batch(2, 2, 1))
    assert numbers([first, last]) == [[0, 1], [4]]
    # A request of which one part fails has no answer, whatever comes of the others.
    (whole,) = cores(batch(5))
    (alone,) = cores([[torch.tensor([[3]])]])
    for future in (failed, whole, alone):
        with pytest.raises(RuntimeError, match="no such photo"):
            future.result(20)
    assert numbers(cores(batch(3))) == [[0, 1, 2]]


@pytest.mark.parametrize("outcome", ["answers", "fails"])
def test_the_backend_answers_later_what_is_not_done_where_batches_overlap(
    folder: Path, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    release = threading.Event()

    class Slow(Cores):
        """Cores of which one does not come to an end."""

        def __init__(self, load: Callable[[int], Network], **given: Any) -> None:
            def held(batch: torch.Tensor) -> Tensors:
                if batch.max() > 50:
                    assert release.wait(20)
                    if outcome == "fails":
                        raise RuntimeError("no memory")
                return load(1)(batch)

            super().__init__(lambda _threads: held, **given)

    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    model = load(folder, monkeypatch, cores=Slow, OVERLAP_ON_CPU="2")
    slow, quick = requests_of(1, 1)
    slow["INPUT__0"].array()[0, 0, 0, 0] = 100
    expected = [values(response) for response in execute(load(folder, monkeypatch), [slow, quick])]
    waiting, answered = model.execute([slow, quick])
    assert waiting is None
    np.testing.assert_allclose(values(answered or quick.sent.get(timeout=20)), expected[1], atol=1e-5)
    assert slow.sent.empty()
    release.set()
    response = slow.sent.get(timeout=20)
    if outcome == "fails":
        assert str(response.error) == "RuntimeError: no memory"
    else:
        np.testing.assert_allclose(values(response), expected[0], atol=1e-5)


def test_the_backend_compiles_where_it_knows_the_size_of_photos(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Spy, "calls", [])
    load(folder, monkeypatch, cores=Spy, tensor={"name": "INPUT__0", "data_type": "TYPE_FP32", "dims": ["3", "8", "8"]})
    assert {photos for photos, _threads in Spy.calls} >= {1, 2, 4}


@pytest.mark.parametrize("parameters", [{}, {"DISABLE_OPTIMIZED_EXECUTION": "true"}])
def test_the_graph_is_fused_unless_the_configuration_says_no(
    folder: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str]
) -> None:
    monkeypatch.setattr(Spy, "calls", [])
    backend = load_backend("pytorch", monkeypatch)
    frozen = []
    freeze = backend._frozen
    monkeypatch.setattr(backend, "_frozen", lambda *given: frozen.append(freeze(*given)) or frozen[-1])
    model = load(folder, monkeypatch, backend=backend, **parameters)
    (request,) = requests_of(1)
    for _ in range(3):
        execute(model, [request])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = str(frozen[0].graph_for(torch.from_numpy(request["INPUT__0"].array())))
    assert ("oneDNNFusionGroup" in graph) == (not parameters)


def test_the_number_of_threads_is_the_configured_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: dict[str, int] = {}
    monkeypatch.setattr(torch, "set_num_threads", lambda count: chosen.update(intra=count))
    monkeypatch.setattr(torch, "set_num_interop_threads", lambda count: chosen.update(inter=count))
    load(folder, monkeypatch, INTRA_OP_THREAD_COUNT="3", INTER_OP_THREAD_COUNT="2")
    assert chosen == {"intra": 3, "inter": 2}
