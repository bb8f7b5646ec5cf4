"""The protocol that the gateway needs of a classifier. ``gateway.triton.client`` is the real one, tests have a fake."""

from collections.abc import Mapping
from typing import Protocol

from gateway.triton.types import ModelDescription, Prediction
from gateway.uploads.admission import Permit


class Classifier(Protocol):
    """Classifies encoded images that its decoder takes."""

    async def start(self) -> None:
        """Begin to connect; do not wait for the models."""
        ...

    async def close(self) -> None:
        """End all connections and background work."""
        ...

    async def classify(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        """Classify one image.

        Args:
            model: The model type.
            image: The encoded file's bytes.
            timeout_seconds: How long the caller waits.
            permit: The request's place. Taken over where the work goes on after this call, as after a deadline or a
                cancellation; else it stays the caller's.

        Raises:
            BrokenImage: Only decoding found a fault.
            ModelUnavailable: Triton is away, or the model not ready.
            QueueFull: A queue inside Triton is full.
            DeadlineExceeded: There was no answer in time.
        """
        ...

    async def explain(self, model: str, image: bytes, timeout_seconds: float, permit: Permit) -> Prediction:
        """Classify one image as ``classify`` does, and hand out the activation maps too.

        Raises:
            CanNotExplain: The model has no ensemble that explains.
        """
        ...

    def readiness(self) -> Mapping[str, bool]:
        """Say which of the served models answered lately; ask nobody."""
        ...

    def described(self) -> Mapping[str, ModelDescription]:
        """Return the models of which something is known at the moment; ask nobody."""
        ...
