"""The two networks, by the names that users know: ``raw`` and ``pretrained``."""

from collections.abc import Callable

from torch import nn

from training.models.raw_cnn import RawCNN
from training.models.resnet50 import ResNet50

_CONSTRUCTORS: dict[str, Callable[[int], nn.Module]] = {"raw": RawCNN, "pretrained": ResNet50}


def build_network(model_type: str, classes: int) -> nn.Module:
    """Build a network with random weights that maps FP32 [N, 3, H, W] to logits [N, classes].

    Raises:
        ValueError: the model type is unknown.
    """
    if model_type not in _CONSTRUCTORS:
        raise ValueError(f"unknown model type {model_type!r}; known are {', '.join(_CONSTRUCTORS)}")
    return _CONSTRUCTORS[model_type](classes)


def model_type_of(network: nn.Module) -> str:
    """Return the model type that ``build_network`` made ``network`` of."""
    return next(name for name, constructor in _CONSTRUCTORS.items() if constructor is type(network))
