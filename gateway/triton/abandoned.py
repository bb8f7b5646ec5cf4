"""Holds the permits of calls to Triton that were given up, until Triton has done with them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.uploads.admission import Permit

_LONGEST_HOLD_SECONDS = 60.0


@dataclass(slots=True)
class _Abandoned:
    permit: Permit
    expiry: asyncio.TimerHandle
    later_answers: int = 0


class AbandonedCalls:
    """Numbers the requests to each model in the order they are sent, and holds the permits of the abandoned ones.

    A cancelled call ends for the client at once, but what stands in a queue of Triton is still executed, and no
    message says when. The queues are first in, first out: once a request that was sent later has its answer, the
    abandoned one is done. With several replicas behind one name, as many later answers are needed as there are
    replicas, since they are asked in turn. A lost connection ends its requests; and no hold outlasts a minute.
    """

    def __init__(self, replicas: int, ask: Callable[[str], None]) -> None:
        """Begin with no requests.

        Args:
            replicas: How many servers are asked in turn.
            ask: Called with a model where nobody waits for its answer, and its abandoned requests need one.
        """
        self.replicas = replicas
        self._ask = ask
        self._last_number = 0
        self._waiting: Counter[str] = Counter()
        self._abandoned: defaultdict[str, dict[int, _Abandoned]] = defaultdict(dict)

    def begin(self, model: str) -> int:
        """Note that a request is about to be sent, and return its number."""
        self._last_number += 1
        self._waiting[model] += 1
        return self._last_number

    def answered(self, model: str, number: int) -> None:
        """Note that Triton has answered the request."""
        self._waiting[model] -= 1
        if not (abandoned := self._abandoned[model]):
            return
        for earlier in [each for each in abandoned if each < number]:
            abandoned[earlier].later_answers += 1
            if abandoned[earlier].later_answers >= self.replicas:
                self._release(model, earlier)
        self._ask_if_needed(model)

    def failed(self, model: str) -> None:
        """Note that the request has ended with an error, which says nothing of the others."""
        self._waiting[model] -= 1
        self._ask_if_needed(model)

    def abandon(self, model: str, number: int, permit: Permit) -> None:
        """Note that nobody waits for the request any more; hold its permit until Triton has done with it."""
        self._waiting[model] -= 1
        expiry = asyncio.get_running_loop().call_later(_LONGEST_HOLD_SECONDS, self._release, model, number)
        self._abandoned[model][number] = _Abandoned(permit, expiry)
        self._ask_if_needed(model)

    def disconnected(self) -> None:
        """Note that the connection broke. With a single server this ends all that was abandoned on it."""
        if self.replicas == 1:
            for model, abandoned in self._abandoned.items():
                for number in list(abandoned):
                    self._release(model, number)

    def needs_answer(self, model: str) -> bool:
        """Say whether requests were abandoned and nobody else waits for an answer that would show their end."""
        return bool(self._abandoned[model]) and self._waiting[model] == 0

    def _ask_if_needed(self, model: str) -> None:
        if self.needs_answer(model):
            self._ask(model)

    def _release(self, model: str, number: int) -> None:
        abandoned = self._abandoned[model].pop(number)
        abandoned.expiry.cancel()
        abandoned.permit.release()
