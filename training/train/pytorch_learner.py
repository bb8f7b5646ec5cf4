"""Training in PyTorch: the optimiser, the moving average and one step."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from training.train.ema import ExponentialMovingAverage
from training.train.features import FeatureLearner, feature_loss
from training.train.learner import GRADIENT_NORM, learns
from training.train.precision import mixed_precision
from training.train.recipes import Recipe, Stage


class PyTorchLearner:
    """A ``training.train.learner.Learner`` of a network on its device."""

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        feature_size: int | None = None,
        wrap: Callable[[nn.Module], nn.Module] = lambda network: network,
    ) -> None:
        """Begin with ``network``.

        Args:
            network: what is trained, on its device.
            recipe: how.
            feature_size: that of the teacher's features, if they are to be predicted.
            wrap: lets gradients be averaged over several processes.
        """
        self.network = network
        self._recipe = recipe
        self._wrap = wrap
        self._module: nn.Module = network
        groups = parameter_groups(network, recipe)
        if feature_size is not None:
            learner = FeatureLearner(network, feature_size)
            head = list(learner.predict.parameters())
            groups.append({"params": head, "weight_decay": recipe.weight_decay, "scale": 1.0})
            self._module = learner.to(next(network.parameters()).device)
        self.optimiser: torch.optim.Optimizer
        if recipe.optimiser == "sgd":
            self.optimiser = torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9, nesterov=True)
        else:
            self.optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate)
        self.ema = ExponentialMovingAverage(network, recipe.ema)
        self._wrapped = self._module

    @property
    def versions(self) -> Mapping[str, str]:
        """PyTorch's."""
        return {"torch": torch.__version__}

    @property
    def averaged(self) -> nn.Module:
        """The network with the averaged weights."""
        return self.ema.module

    def begin(self, stage: Stage) -> None:
        """Let all learn but what is frozen, whose batch statistics stay too."""
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(learns(name, self._recipe, stage))
        self.network.train()
        for name in self._recipe.frozen:
            self.network.get_submodule(name).eval()
        self._wrapped = self._wrap(self._module)

    def step(
        self, images: torch.Tensor, targets: torch.Tensor, features: torch.Tensor | None, rate: float
    ) -> torch.Tensor:
        """Take one step.

        On a GPU whoever reads the loss waits for the step to end, while otherwise the next ones are queued already.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        with mixed_precision(images.device, wanted=self._recipe.mixed_precision):
            output = self._wrapped(images)
        logits, predicted = output if isinstance(output, tuple) else (output, None)
        loss = functional.cross_entropy(logits.float(), targets, label_smoothing=self._recipe.label_smoothing)
        if self._recipe.features is not None and features is not None:
            loss = loss + self._recipe.features.weight * feature_loss(predicted, features)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._module.parameters(), GRADIENT_NORM)
        self.optimiser.step()
        self.ema.update_parameters(self.network)
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """Return weights, average and optimiser."""
        return {
            "learner": self._module.state_dict(),
            "averaged": self.ema.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self._module.load_state_dict(state["learner"])
        self.ema.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])


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
