"""The PyTorch backend on a processor: threads, cores and the fused graph."""

import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from embedded_triton.backends.pytorch import cores as module
from embedded_triton.backends.pytorch.cores import Cores, Network, Tensors
from tests.unit.embedded_triton.backend_loading import load_backend
from tests.unit.embedded_triton.pytorch_backend import folder, load, network, requests_of

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

    def __init__(self, load: Callable[[int], Network], *, alone: int, together: int) -> None:
        def load_and_watch(threads: int) -> Network:
            network = load(threads)

            def watched(batch: torch.Tensor) -> Tensors:
                self.calls.append((len(batch), torch.get_num_threads()))
                return network(batch)

            return watched

        super().__init__(load_and_watch, alone=alone, together=together)


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(
    ("threads", "instances", "at_a_time", "parts"),
    [
        (None, 1, 4, [1] * 6),
        (None, 2, 2, [1, 1, 2, 2]),
        (None, 3, 1, [2, 4]),
        ("1", 1, 1, [2, 4]),
        ("2", 3, 2, [1, 1, 2, 2]),
    ],
)
def test_each_part_of_a_batch_has_a_core_and_a_photo_that_came_alone_has_all(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads: str | None,
    instances: int,
    at_a_time: int,
    parts: list[int],
) -> None:
    given = {} if threads is None else {"INTRA_OP_THREAD_COUNT": threads}
    monkeypatch.setattr(Spy, "calls", [])
    model = load(folder, monkeypatch, instances=instances, cores=Spy, **given)
    model.execute(requests_of(1, 1, 4))
    assert sorted(Spy.calls) == [(photos, 1) for photos in parts]
    for pause, used in ((60.0, 1), (0.0, int(threads or 4))):
        # At the heels of a batch a photo is not alone.
        monkeypatch.setattr(module, "_PAUSE", pause)
        monkeypatch.setattr(Spy, "calls", [])
        model.execute(requests_of(1))
        assert Spy.calls == [(1, used)]
    assert model._network._pool._max_workers == at_a_time


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

    (answer,) = Cores(lambda _threads: network, alone=cores, together=cores)([torch.arange(photos)[:, None]])
    assert sorted(sizes, reverse=True) == parts
    assert answer.flatten().tolist() == list(range(photos))


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
        (answer,) = cores([torch.arange(photos)[:, None]])
        assert answer.flatten().tolist() == list(range(photos))
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
        cores([torch.zeros(1, 1)])
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

    (answer,) = Cores(lambda _threads: network, alone=2, together=2)([torch.arange(6)[:, None]])
    assert answer.flatten().tolist() == [0, 2, 4, 6, 8, 10]


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
        model.execute([request])
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
