"""What a classifier answers, and the protocol that the gateway needs of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """The probabilities of one image.

    `probabilities` is FP32 of shape [len(labels)]. `model_version` names Triton's version number and, where the
    export wrote it, a digest of the weights. Under `confidence_threshold` an answer counts as not sure.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[numpy.float32]
    model_version: str
    confidence_threshold: float | None = None


class Classifier(Protocol):
    """Classifies encoded images that its decoder takes. `gateway.triton.client` is the real one, tests have a fake."""

    async def start(self) -> None:
        """Begins to connect; does not wait for the models."""
        ...

    async def close(self) -> None:
        """Ends all connections and background work."""
        ...

    async def classify(self, model: str, image: bytes, timeout_seconds: float) -> Prediction:
        """Raises the errors of `gateway.errors` for Triton, and `BrokenImage` where only decoding finds a fault."""
        ...

    def readiness(self) -> Mapping[str, bool]:
        """Which of the served models answered lately; asks nobody."""
        ...
