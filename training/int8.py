"""A network in 8 bits for processors: static quantisation after training (Jacob et al., 2018, https://arxiv.org/abs/1712.05877).

What is needed beside the weights is the range of values behind each layer, seen on some training photos; the model card
holds them, so that an export needs no photos. Weights have a scale for each channel. Values have all 8 bits or 7 of
them, by what the processor bears (training/value_bits.py).
"""

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.ao.quantization import MinMaxObserver, ObserverBase, QConfig, QConfigMapping, get_default_qconfig
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
from torch.fx import GraphModule

#: The lowest and the highest value behind a layer, by the layer's name in the traced graph.
Ranges = Mapping[str, tuple[float, float]]
_ENGINE = "x86"
#: What comes before the first residual block stays in FP32: a small part of the work, and half of what 8 bits would
#: change in the answers (docs/experiments.md, 2026-11-27).
_IN_FP32 = ("features.0", "features.1", "conv1", "bn1", "relu")


class _Features(nn.Module):
    """The part of a network that is quantised: all but its last layer, which is small and decides."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map FP32 [N, 3, S, S] to the last feature map, FP32 [N, C, S / 32, S / 32]."""
        return self.network.features(images)  # type: ignore[operator, no-any-return]


class QuantisedNetwork(nn.Module):
    """Convolutions in 8 bits, the linear layer in FP32; has the two parts that ``training.models.served`` asks for."""

    def __init__(self, features: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.fc = linear

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map FP32 [N, 3, S, S] to logits FP32 [N, classes]."""
        logits: torch.Tensor = self.fc(self.features(images).mean(dim=(2, 3)))
        return logits


def is_supported() -> bool:
    """Say whether this PyTorch computes in 8 bits on this processor."""
    return _ENGINE in torch.backends.quantized.supported_engines


@torch.inference_mode()
def observe(network: nn.Module, batches: Iterable[torch.Tensor]) -> dict[str, tuple[float, float]]:
    """Return the range behind each layer: wide enough for most values, narrow enough to tell them apart.

    Args:
        network: a trained network in eval mode; it stays as it is.
        batches: normalised photos, FP32 [N, 3, S, S]; a hundred photos in all are enough.
    """
    prepared = _prepare(network, _default())
    for batch in batches:
        prepared(batch)
    ranges = {}
    for name, observer in _observers(prepared):
        scale, zero = (float(value) for value in observer.calculate_qparams())
        ranges[name] = ((observer.quant_min - zero) * scale, (observer.quant_max - zero) * scale)
    return ranges


def quantise(network: nn.Module, ranges: Ranges, bits: int) -> QuantisedNetwork:
    """Return ``network`` in 8 bits.

    Args:
        network: the trained network in eval mode; it stays as it is.
        ranges: what ``observe`` returned for it.
        bits: 8, or 7, of each value.

    Raises:
        ValueError: the ranges belong to another network.
    """
    activation = MinMaxObserver.with_args(dtype=torch.quint8, reduce_range=bits == 7)
    prepared = _prepare(network, _default()._replace(activation=activation))
    observers = dict(_observers(prepared))
    if observers.keys() != ranges.keys():
        raise ValueError("the ranges for 8 bits belong to another network: evaluate the weights again")
    for name, observer in observers.items():
        observer.min_val, observer.max_val = (torch.tensor(bound) for bound in ranges[name])
    with _quietly():
        features = _with_constants(convert_fx(prepared))
    return QuantisedNetwork(features, copy.deepcopy(network.get_submodule("fc"))).eval()


def _default() -> QConfig:
    config: QConfig = get_default_qconfig(_ENGINE)  # type: ignore[no-untyped-call]
    return config


def _prepare(network: nn.Module, config: QConfig) -> GraphModule:
    mapping = QConfigMapping().set_global(config)
    for name in _IN_FP32:
        mapping.set_module_name(f"network.{name}", None)
    with _quietly():
        return prepare_fx(_Features(network).eval(), mapping, (torch.zeros(1, 3, 64, 64),))


def _with_constants(features: GraphModule) -> GraphModule:
    """Write scales and zero points as numbers into the graph: to a tracer they are tensors that might change."""
    for node in list(features.graph.nodes):
        value = getattr(features, node.target) if node.op == "get_attr" else None
        if isinstance(value, torch.Tensor) and value.ndim == 0:
            for user in list(node.users):
                user.args = tuple(value.item() if each is node else each for each in user.args)
            features.graph.erase_node(node)
    features.recompile()
    return features


def _observers(prepared: GraphModule) -> Iterator[tuple[str, Any]]:
    for node in prepared.graph.nodes:
        module = prepared.get_submodule(node.target) if node.op == "call_module" else None
        if isinstance(module, ObserverBase):
            yield node.args[0].name, module


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the words that this way of quantising is deprecated: its successor does not make TorchScript."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
