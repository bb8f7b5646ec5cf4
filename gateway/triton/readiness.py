"""Which models answer: real traffic says so, and where there is none, a background inference now and then."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

_FRESH_SECONDS = 10.0
_PROBE_SECONDS = 5.0
_AGAIN_SECONDS = 1.0


class Readiness:
    """A model is ready while its last answer is at most ten seconds old."""

    def __init__(self, models: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered = dict.fromkeys(models, float("-inf"))

    def answered(self, model: str) -> None:
        """Note that the model has answered just now."""
        self._answered[model] = self._clock()

    def by_model(self) -> Mapping[str, bool]:
        """Say whether each model answered lately; ask nobody."""
        now = self._clock()
        return {model: now - answered <= _FRESH_SECONDS for model, answered in self._answered.items()}

    async def keep_probing(self, probe: Callable[[str], Awaitable[bool]]) -> None:
        """Probe each model that has not answered for five seconds; after a failure every second. Never return."""
        async with asyncio.TaskGroup() as group:
            for model in self._answered:
                group.create_task(self._keep_probing(model, probe))

    async def _keep_probing(self, model: str, probe: Callable[[str], Awaitable[bool]]) -> None:
        while True:
            silent = self._clock() - self._answered[model]
            if silent < _PROBE_SECONDS:
                await asyncio.sleep(_PROBE_SECONDS - silent)
            elif not await probe(model):
                await asyncio.sleep(_AGAIN_SECONDS)
