"""What was learned of the models, until a reason comes to learn it again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from gateway.prediction import ModelDescription

log = structlog.get_logger(__name__)


class KnownModels:
    """Keeps a description of each model; who needs one that is missing waits for one call that all share."""

    def __init__(self, ask: Callable[[str], Awaitable[ModelDescription]]) -> None:
        self._ask = ask
        self._known: dict[str, ModelDescription] = {}
        self._learning: dict[str, asyncio.Task[ModelDescription]] = {}

    def described(self) -> Mapping[str, ModelDescription]:
        """All that are known."""
        return self._known

    async def get(self, model: str) -> ModelDescription:
        """The model's description. Raises what asking raises."""
        return self._known.get(model) or await self.learn(model)

    async def learn(self, model: str) -> ModelDescription:
        """The same, asked for anew."""
        task = self._learning.get(model)
        if task is None:
            task = self._learning[model] = asyncio.create_task(self._learn(model))
            task.add_done_callback(lambda done: self._learned(model, done))
        return await asyncio.shield(task)

    def forget(self, model: str) -> None:
        """To be learned again before the next request."""
        self._known.pop(model, None)

    def forget_all(self) -> None:
        """What comes back after a lost connection may be another Triton, with other classes."""
        self._known.clear()

    async def close(self) -> None:
        """Stops asking."""
        tasks = list(self._learning.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _learn(self, model: str) -> ModelDescription:
        description = await self._ask(model)
        if model not in self._known:
            log.info("learned", model=model, labels=description.labels, weights_digest=description.weights_digest)
        self._known[model] = description
        return description

    def _learned(self, model: str, task: asyncio.Task[ModelDescription]) -> None:
        del self._learning[model]
        if not task.cancelled():
            task.exception()  # looked at, for the case that all who waited have gone
