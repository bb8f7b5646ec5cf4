"""All that changes while a network is trained, and what a run needs to go on where it stopped."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from training.train.ema import ExponentialMovingAverage
from training.train.features import FeatureLearner
from training.train.history import Row
from training.train.recipes import Recipe


@dataclass
class TrainingState:
    """A network in training.

    Attributes:
        network: what is trained, on its device.
        learner: what is run in training: the network, or the network with a layer that predicts features.
        ema: the moving average of the network, which is validated and kept.
        optimiser: of the learner's parameters.
        generator: draws photos and augmentation.
        history: a row an epoch.
    """

    network: nn.Module
    learner: nn.Module
    ema: ExponentialMovingAverage
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    history: list[Row] = field(default_factory=list)

    @classmethod
    def start(cls, network: nn.Module, recipe: Recipe, feature_size: int | None) -> "TrainingState":
        """Begin with ``network``; ``feature_size`` is that of the teacher's features, if they are to be predicted."""
        learner: nn.Module = network
        groups = parameter_groups(network, recipe)
        if feature_size is not None:
            learner = FeatureLearner(network, feature_size)
            head = list(learner.predict.parameters())
            groups.append({"params": head, "weight_decay": recipe.weight_decay, "scale": 1.0})
            learner.to(next(network.parameters()).device)
        optimiser: torch.optim.Optimizer
        if recipe.optimiser == "sgd":
            optimiser = torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9, nesterov=True)
        else:
            optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate)
        ema = ExponentialMovingAverage(network, recipe.ema)
        return cls(network, learner, ema, optimiser, torch.Generator().manual_seed(recipe.seed))

    def state_dict(self) -> dict[str, Any]:
        """Return everything as tensors, numbers and lists."""
        return {
            "history": self.history,
            "learner": self.learner.state_dict(),
            "averaged": self.ema.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self.learner.load_state_dict(state["learner"])
        self.ema.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.history = list(state["history"])


def parameter_groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Group parameters by layer: lower rates towards the input, no decay for biases and normalisation.

    The rate of each child module is ``layer_decay`` times that of the next one (discriminative fine-tuning, Howard and
    Ruder, 2018, https://arxiv.org/abs/1801.06146).
    """
    children = [child for child in network.children() if any(True for _ in child.parameters())]
    groups = []
    for distance, child in enumerate(reversed(children)):
        scale = recipe.layer_decay**distance
        matrices = [parameter for parameter in child.parameters() if parameter.ndim > 1]
        vectors = [parameter for parameter in child.parameters() if parameter.ndim <= 1]
        groups.append({"params": matrices, "weight_decay": recipe.weight_decay, "scale": scale})
        groups.append({"params": vectors, "weight_decay": 0.0, "scale": scale})
    return groups
