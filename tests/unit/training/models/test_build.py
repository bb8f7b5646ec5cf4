"""The networks: within their limits, and ResNet-50 the very one of torchvision."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet50

from training.dataset.specification import load_specification
from training.models.build import build_network
from training.models.model_types import NETWORK_MODELS


def test_resnet50_has_the_parameters_of_torchvision_by_name_and_shape() -> None:
    ours, theirs = build_network("pretrained", 1000).state_dict(), resnet50().state_dict()
    assert {name: tensor.shape for name, tensor in ours.items()} == {
        name: tensor.shape for name, tensor in theirs.items()
    }


def test_resnet50_gives_the_answers_of_torchvision() -> None:
    torch.manual_seed(0)
    theirs = resnet50(num_classes=7).eval()
    for module in theirs.modules():
        # Fresh statistics and scales would let half of the network through unseen.
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.2, 0.6)
    ours = build_network("pretrained", 7).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_raw_keeps_within_its_limits() -> None:
    network = build_network("raw", 6).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) <= 3_000_000
    size = load_specification().size
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, size, size))
    multiply_accumulates = counter.get_total_flops() / 2
    assert multiply_accumulates <= 0.5e9


@pytest.mark.parametrize("model_type", NETWORK_MODELS)
def test_networks_end_in_pooling_and_one_linear_layer(model_type: str) -> None:
    network = build_network(model_type, 5).eval()
    assert isinstance(network.get_submodule("fc"), nn.Linear)
    with torch.inference_mode():
        for height, width in ((64, 64), (64, 96)):
            assert network(torch.zeros(2, 3, height, width)).shape == (2, 5)


def test_an_unknown_model_type_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown model type 'vgg'; known are raw, pretrained"):
        build_network("vgg", 6)
