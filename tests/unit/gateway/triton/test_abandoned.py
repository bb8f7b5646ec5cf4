"""When Triton is done with a request that nobody waits for any more."""

import asyncio

import pytest

from gateway.triton import abandoned
from gateway.triton.abandoned import AbandonedCalls
from gateway.uploads.admission import Permit


class _Place(Permit):
    """A permit that says when it is given back."""

    def __init__(self, number: int, done: list[int]) -> None:
        super().__init__(None, "raw", 0)
        self._number = number
        self._done = done

    def release(self) -> None:
        self._done.append(self._number)


class Watched:
    def __init__(self, replicas: int = 1) -> None:
        self.asked: list[str] = []
        self.done: list[int] = []
        self.requests = AbandonedCalls(replicas, self.asked.append)

    def abandoned(self, model: str = "raw") -> int:
        number = self.requests.begin(model)
        self.requests.abandon(model, number, _Place(number, self.done))
        return number


async def test_an_answer_to_a_later_request_tells() -> None:
    watched = Watched()
    first = watched.requests.begin("raw")
    left = watched.abandoned()
    watched.requests.answered("raw", first)  # sent before: stood further ahead in the queue
    assert watched.done == []
    later = watched.requests.begin("raw")
    watched.requests.answered("raw", later)
    assert watched.done == [left]


async def test_models_have_queues_of_their_own_and_errors_tell_nothing() -> None:
    watched = Watched()
    watched.abandoned("raw")
    watched.requests.answered("pretrained", watched.requests.begin("pretrained"))
    watched.requests.begin("raw")
    watched.requests.failed("raw")
    assert watched.done == []


async def test_somebody_is_asked_where_no_answer_would_come() -> None:
    watched = Watched()
    other = watched.requests.begin("raw")
    watched.abandoned()
    assert watched.asked == []  # the other one may tell, or be the last
    watched.requests.answered("raw", other)
    assert watched.asked == ["raw"]
    watched.requests.answered("raw", watched.requests.begin("raw"))
    assert watched.asked == ["raw"]
    assert watched.done == [2]


async def test_each_of_several_replicas_must_have_answered() -> None:
    watched = Watched(replicas=2)
    left = watched.abandoned()
    watched.requests.answered("raw", watched.requests.begin("raw"))
    assert watched.done == []
    watched.requests.answered("raw", watched.requests.begin("raw"))
    assert watched.done == [left]


async def test_lost_connection_takes_its_requests_along() -> None:
    watched = Watched()
    left = [watched.abandoned("raw"), watched.abandoned("pretrained")]
    watched.requests.disconnected()
    assert watched.done == left
    several = Watched(replicas=2)
    several.abandoned()
    several.requests.disconnected()
    assert several.done == []


async def test_nothing_is_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned, "_LONGEST_HOLD_SECONDS", 0.01)
    watched = Watched()
    left = watched.abandoned()
    await asyncio.sleep(0.1)
    assert watched.done == [left]
