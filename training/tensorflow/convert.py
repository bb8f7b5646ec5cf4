"""The weights of a network in Keras's names and axes, and in PyTorch's.

A Keras layer is named as its PyTorch module. A convolution's kernel has the axes (height, width, inputs, outputs) in
Keras and (outputs, inputs, height, width) in PyTorch; a linear layer's has its two the other way round.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import torch
from torch import nn

_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def pytorch_name(variable: Any) -> str:
    """Return what PyTorch calls a variable of a Keras layer."""
    layer, _, kind = variable.path.rpartition("/")
    return f"{layer}.{_NAMES[kind]}"


def copy_to_keras(network: nn.Module, model: keras.Model) -> None:
    """Give every variable of ``model`` the value that it has in ``network``.

    Raises:
        ValueError: a layer is missing or another one on one of the sides.
    """
    check_layers(model, network)
    state = network.state_dict()
    for variable in model.weights:
        value = state[pytorch_name(variable)].detach().cpu().numpy()
        variable.assign(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T)


def copy_to_pytorch(values: Mapping[str, Any], network: nn.Module) -> None:
    """Give every tensor of ``network`` its value out of a Keras model.

    Args:
        values: what each variable of the model holds, in Keras's axes, by its PyTorch name (``pytorch_name``).
        network: is changed in place; the counters of its batch normalisation stay.

    Raises:
        ValueError: one of the two has a tensor that the other has not, or of another shape.
    """
    state = {}
    for name, value in values.items():
        array = np.asarray(value, dtype=np.float32)
        array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
        state[name] = torch.from_numpy(np.ascontiguousarray(array))
    counters = {name: tensor for name, tensor in network.state_dict().items() if not tensor.is_floating_point()}
    try:
        network.load_state_dict(counters | state)
    except RuntimeError as exc:
        raise ValueError(f"the Keras model is another network: {exc}") from exc


def check_layers(model: keras.Model, network: nn.Module) -> None:
    """Refuse a model that would compute something else from the same weights.

    Raises:
        ValueError: a layer with weights is no module of ``network``, or has another kernel, stride, bias or epsilon.
    """
    modules = dict(network.named_modules())
    weighted = {layer.name: layer for layer in model.layers if layer.weights}
    wanted = {name for name, module in modules.items() if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear)}
    if differing := sorted(wanted ^ set(weighted)):
        raise ValueError(f"the Keras model and the PyTorch network do not have the same layers: {', '.join(differing)}")
    for name, layer in weighted.items():
        if (here := _keras_geometry(layer)) != (there := _pytorch_geometry(modules[name])):
            raise ValueError(f"layer {name} is {here} in Keras and {there} in PyTorch: its weights cannot be converted")


def _keras_geometry(layer: Any) -> dict[str, Any]:
    if isinstance(layer, keras.layers.BatchNormalization):
        return {"epsilon": layer.epsilon, "momentum": round(1 - layer.momentum, 6)}
    if isinstance(layer, keras.layers.Dense):
        return {"outputs": layer.units}
    return {"kernel": layer.kernel_size, "stride": layer.strides, "bias": layer.use_bias}


def _pytorch_geometry(module: nn.Module) -> dict[str, Any]:
    if isinstance(module, nn.BatchNorm2d):
        return {"epsilon": module.eps, "momentum": module.momentum}
    if isinstance(module, nn.Linear):
        return {"outputs": module.out_features}
    assert isinstance(module, nn.Conv2d)
    return {"kernel": module.kernel_size, "stride": module.stride, "bias": module.bias is not None}
