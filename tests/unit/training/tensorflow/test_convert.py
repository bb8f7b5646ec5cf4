"""Keras and PyTorch give the same answers from the same weights, and what cannot be converted is refused."""

from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
import torch
from torch import nn

from training.models import resnet50
from training.models.build import build_network

pytest.importorskip(
    "training.tensorflow.networks",
    reason="TensorFlow is not installed: `make train-cli model_provider=tensorflow` installs it",
)
import keras

from training.tensorflow.convert import check_layers, copy_to_keras, copy_to_pytorch, pytorch_name
from training.tensorflow.networks import build_keras

CLASSES = 5
#: Sides that no stride divides: where padding is not the same on all sides, the answers differ.
HEIGHT, WIDTH = 97, 110


def _with_statistics(model_type: str) -> nn.Module:
    """A network as a training leaves it: nothing of its normalisation is zero or one."""
    torch.manual_seed(3)
    network = build_network(model_type, CLASSES).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    with torch.no_grad():  # logits as a trained network has them
        largest = network(torch.randn(4, 3, HEIGHT, WIDTH)).abs().max()
        cast(nn.Linear, network.get_submodule("fc")).weight *= 5 / largest
    return network


@torch.no_grad()
def _answers(network: nn.Module, model: keras.Model, seed: int) -> tuple[np.ndarray, np.ndarray]:
    images = torch.randn(3, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))
    theirs = model(images.permute(0, 2, 3, 1).numpy(), training=False)
    return network(images).numpy(), theirs.numpy()


@pytest.mark.parametrize("model_type", ["raw", "pretrained"])
def test_keras_answers_as_pytorch_from_its_weights_and_back(model_type: str) -> None:
    network, model = _with_statistics(model_type), build_keras(model_type, CLASSES)
    copy_to_keras(network, model)
    ours, theirs = _answers(network, model, seed=1)
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-4)
    assert np.ptp(ours) > 0.1

    rng = np.random.default_rng(4)
    for variable in model.weights:
        value = variable.value.numpy()
        variable.assign(value * rng.uniform(0.8, 1.2, value.shape).astype(np.float32))
    back = build_network(model_type, CLASSES).eval()
    copy_to_pytorch({pytorch_name(variable): variable.value.numpy() for variable in model.weights}, back)
    changed, theirs = _answers(back, model, seed=2)
    np.testing.assert_allclose(theirs, changed, rtol=0, atol=1e-4)
    assert np.abs(changed - ours).max() > 1e-2


def test_a_stride_in_another_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_network("pretrained", CLASSES)
    monkeypatch.setattr(resnet50, "LAYERS", ((64, 3, 1), (128, 4, 1), (256, 6, 2), (512, 3, 2)))
    with pytest.raises(ValueError, match=r"layer layer2\.0\.\S+ is .*stride.*cannot be converted"):
        copy_to_keras(network, build_keras("pretrained", CLASSES))


def test_keras_own_resnet_has_its_stride_elsewhere_and_is_refused() -> None:
    model = keras.applications.ResNet50(weights=None, classes=CLASSES, input_shape=(64, 64, 3))
    strides = [model.get_layer(f"conv3_block1_{number}_conv").strides for number in (1, 2)]
    network = build_network("pretrained", CLASSES)
    assert strides == [(2, 2), (1, 1)]
    assert [network.get_submodule(f"layer2.0.conv{number}").stride for number in (1, 2)] == [(1, 1), (2, 2)]
    with pytest.raises(ValueError, match="do not have the same layers"):
        check_layers(model, network)


@pytest.mark.parametrize("change", [lambda values: values.popitem(), lambda values: values.update(more=np.ones(1))])
def test_weights_of_another_network_are_refused(change: Callable[[dict[str, np.ndarray]], object]) -> None:
    model = build_keras("raw", CLASSES)
    values = {pytorch_name(variable): variable.value.numpy() for variable in model.weights}
    change(values)
    with pytest.raises(ValueError, match="another network"):
        copy_to_pytorch(values, build_network("raw", CLASSES))
