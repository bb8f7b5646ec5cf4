"""Finding the failing samples of a failing batch."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.embedded_triton.backends.backend_loading import load_backend

Isolate = Callable[..., list[object]]


@pytest.fixture(scope="module")
def run_isolated() -> Isolate:
    with pytest.MonkeyPatch.context() as monkeypatch:
        return load_backend("dali", monkeypatch).run_isolated  # type: ignore[no-any-return]


@given(st.lists(st.integers(-20, 20), max_size=40))
def test_each_sample_gets_its_own_answer_or_its_own_error(run_isolated: Isolate, samples: list[int]) -> None:
    def run(batch: list[int]) -> list[int]:
        failing = [sample for sample in batch if sample < 0]
        if failing:
            raise RuntimeError(f"failing: {failing}")
        return [sample * sample for sample in batch]

    answers = run_isolated(samples, run)
    assert [str(each) if isinstance(each, RuntimeError) else each for each in answers] == [
        f"failing: [{sample}]" if sample < 0 else sample * sample for sample in samples
    ]


def test_one_guilty_of_thirty_two_costs_ten_runs_more(run_isolated: Isolate) -> None:
    batches: list[int] = []

    def run(batch: list[int]) -> list[int]:
        batches.append(len(batch))
        if 21 in batch:
            raise RuntimeError
        return batch

    run_isolated(range(32), run)
    assert len(batches) == 11
    assert sum(batches[1:]) <= 2 * 32


def test_other_errors_are_not_blamed_on_a_sample(run_isolated: Isolate) -> None:
    def run(_batch: list[int]) -> list[int]:
        raise MemoryError

    with pytest.raises(MemoryError):
        run_isolated([1, 2], run)
