"""Training in TensorFlow: the optimiser, the moving average and one step, by the recipe that PyTorch takes."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf
import torch
from torch import nn

from training.models.build import model_type_of
from training.tensorflow.convert import copy_to_keras, copy_to_pytorch, pytorch_name
from training.tensorflow.networks import build_keras
from training.train.learner import GRADIENT_NORM, learns
from training.train.precision import has_bfloat16
from training.train.pytorch_learner import parameter_groups
from training.train.recipes import Recipe, Stage


def check_recipe(recipe: Recipe) -> None:
    """Refuse what cannot be trained here.

    Raises:
        ValueError: Keras has another backend already, or the recipe needs what only PyTorch's learner has.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"Keras runs on {keras.backend.backend()} in this process already; start a new one")
    advice = "train with --provider pytorch, or by another recipe"
    if recipe.features is not None:
        raise ValueError(f"TensorFlow does not learn the recipe's [features]: {advice}")
    if recipe.optimiser == "adamw" and recipe.layer_decay != 1:
        raise ValueError(f"Keras's AdamW has one learning rate for all layers, no layer_decay: {advice}")


class TensorFlowLearner:
    """A ``training.train.learner.Learner`` whose network is Keras's; its PyTorch twin takes the averaged weights.

    Random numbers come from PyTorch's generators alone (initial weights, order, augmentation), so a seed means the same
    photos in the same order, changed in the same way, in both frameworks.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        """Begin with the weights of ``network``, which is the twin from then on.

        Args:
            network: ``raw`` or ``pretrained``.
            recipe: how to train; one that ``check_recipe`` accepts.
        """
        _use_threads(torch.get_num_threads())
        self._twin = network
        self._recipe = recipe
        bfloat16 = recipe.mixed_precision and has_bfloat16(torch.device("cpu"))
        classes = cast(nn.Linear, network.get_submodule("fc")).out_features
        self.model = build_keras(model_type_of(network), classes, "mixed_bfloat16" if bfloat16 else "float32")
        copy_to_keras(network, self.model)
        for layer in self.model.layers:
            # Without training a layer's batch statistics stay too, in Keras as in the PyTorch run.
            layer.trainable = not f"{layer.name}.".startswith(tuple(f"{part}." for part in recipe.frozen))
        groups = {id(parameter): group for group in parameter_groups(network, recipe) for parameter in group["params"]}
        named = {name: groups[id(parameter)] for name, parameter in network.named_parameters()}
        self._scales = {name: group["scale"] for name, group in named.items()}
        self._decays = {name: group["weight_decay"] for name, group in named.items()}
        self._optimiser = self._make_optimiser()
        self._optimiser.build(self.model.trainable_variables)
        self._average = [keras.Variable(_array(weight), trainable=False) for weight in self.model.weights]
        self._stage: Stage | None = None
        self._update: Any = None

    @property
    def versions(self) -> Mapping[str, str]:
        """TensorFlow's, Keras's, and PyTorch's, which changes the pictures."""
        return {"tensorflow": tf.__version__, "keras": keras.__version__, "torch": torch.__version__}

    @property
    def averaged(self) -> nn.Module:
        """The PyTorch network with the averaged weights."""
        copy_to_pytorch(
            dict(zip(map(pytorch_name, self.model.weights), map(_array, self._average), strict=True)), self._twin
        )
        return self._twin

    def begin(self, stage: Stage) -> None:
        """Let all learn but what is frozen; the step is compiled anew where the stage is another one."""
        if stage == self._stage:
            return
        learnt = [
            variable
            for variable in self.model.trainable_variables
            if learns(pytorch_name(variable), self._recipe, stage)
        ]
        self._stage = stage
        self._update = tf.function(lambda images, targets: self._step(images, targets, learnt))

    def step(
        self, images: torch.Tensor, targets: torch.Tensor, features: torch.Tensor | None, rate: float
    ) -> torch.Tensor:
        """Take one step; ``features`` are always None here."""
        self._optimiser.learning_rate = rate
        loss = self._update(
            tf.convert_to_tensor(images.permute(0, 2, 3, 1).contiguous().cpu().numpy()),
            tf.convert_to_tensor(targets.cpu().numpy()),
        )
        return torch.tensor(float(loss), device=images.device)

    def state_dict(self) -> dict[str, Any]:
        """Return weights, average and optimiser as tensors in Keras's axes and order."""
        return {
            "learner": _tensors(self.model.weights),
            "averaged": _tensors(self._average),
            "optimiser": _tensors(self._optimiser.variables),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        for name, variables in (
            ("learner", self.model.weights),
            ("averaged", self._average),
            ("optimiser", self._optimiser.variables),
        ):
            for variable, value in zip(variables, state[name], strict=True):
                variable.assign(value.numpy())

    def _make_optimiser(self) -> Any:
        rate = self._recipe.learning_rate
        if self._recipe.optimiser == "sgd":
            return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
        optimiser = keras.optimizers.AdamW(rate, weight_decay=self._recipe.weight_decay, epsilon=1e-8)
        vectors = [variable for variable in self.model.trainable_variables if len(variable.shape) <= 1]
        optimiser.exclude_from_weight_decay(var_list=vectors)
        return optimiser

    def _step(self, images: Any, targets: Any, learnt: list[Any]) -> Any:
        smoothing = self._recipe.label_smoothing
        targets = targets * (1 - smoothing) + smoothing / targets.shape[-1]
        with tf.GradientTape() as tape:
            logits = tf.cast(self.model(images, training=True), tf.float32)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, learnt), GRADIENT_NORM)
        if self._recipe.optimiser == "sgd":
            gradients = [self._scaled(*pair) for pair in zip(gradients, learnt, strict=True)]
        self._optimiser.apply(gradients, learnt)
        # Keras's own average leaves out the batch statistics. The first step is taken whole.
        kept = tf.where(self._optimiser.iterations.value == 1, 0.0, self._recipe.ema)
        for average, weight in zip(self._average, self.model.weights, strict=True):
            average.assign(kept * average.value + (1 - kept) * weight.value)
        return loss

    def _scaled(self, gradient: Any, variable: Any) -> Any:
        """Add the weight decay as PyTorch's SGD does, before the momentum, and give the layer its learning rate."""
        name = pytorch_name(variable)
        return self._scales[name] * (gradient + self._decays[name] * variable.value)


def _array(variable: Any) -> np.ndarray:
    """Return a copy of what a Keras variable holds."""
    return np.array(variable.value.numpy())


def _tensors(variables: Any) -> list[torch.Tensor]:
    return [torch.from_numpy(_array(variable)) for variable in variables]


def _use_threads(count: int) -> None:
    """Let TensorFlow compute on as many threads as PyTorch; too late where it has computed already."""
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(1)
