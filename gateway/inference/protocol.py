"""The protocol that the gateway needs of a classifier. `gateway.triton.client` is the real one, tests have a fake."""

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.triton.types import ModelDescription, Prediction


class Classifier(Protocol):
    """Classifies encoded images that its decoder takes."""

    async def start(self) -> None:
        """Begins to connect; does not wait for the models."""
        ...

    async def close(self) -> None:
        """Ends all connections and background work."""
        ...

    async def classify(self, model: str, image: bytes, timeout_seconds: float, done: Callable[[], None]) -> Prediction:
        """Raises the errors of `gateway.errors` for Triton, and `BrokenImage` where only decoding finds a fault.

        Calls `done` once when no server works on the image any more. After a deadline or a cancellation that is later
        than the end of this call.
        """
        ...

    async def explain(self, model: str, image: bytes, timeout_seconds: float, done: Callable[[], None]) -> Prediction:
        """Classifies, and hands out the activation maps too. Raises `CanNotExplain` besides what `classify` raises."""
        ...

    def readiness(self) -> Mapping[str, bool]:
        """Which of the served models answered lately; asks nobody."""
        ...

    def described(self) -> Mapping[str, ModelDescription]:
        """The models of which something is known at the moment; asks nobody."""
        ...
