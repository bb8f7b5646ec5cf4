"""All that changes while a network is trained, and what a run needs to go on where it stopped."""

from dataclasses import dataclass, field
from typing import Any

import torch

from training.train.history import Row
from training.train.learner import Learner


@dataclass
class TrainingState:
    """A network in training.

    Attributes:
        learner: the network, its optimiser and its average.
        generator: draws photos and augmentation.
        history: a row an epoch.
    """

    learner: Learner
    generator: torch.Generator
    history: list[Row] = field(default_factory=list)

    def state_dict(self) -> dict[str, Any]:
        """Return everything as tensors, numbers and lists."""
        return {"history": self.history, "generator": self.generator.get_state(), **self.learner.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self.learner.load_state_dict(state)
        self.generator.set_state(state["generator"])
        self.history = list(state["history"])
