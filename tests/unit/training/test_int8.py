"""A network in 8 bits: near to the one in FP32, made from ranges alone, and refused for another network's."""

import pytest
import torch
from torch import nn

from training.int8 import QuantisedNetwork, is_supported, observe, quantise
from training.models.build import build_network
from training.models.model_types import NETWORK_MODELS
from training.value_bits import value_bits

pytestmark = pytest.mark.skipif(not is_supported(), reason="this PyTorch does not compute in 8 bits on this processor")


@pytest.fixture(params=NETWORK_MODELS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    """Random weights with the statistics of pictures, so that every layer counts."""
    torch.manual_seed(0)
    made: nn.Module = build_network(request.param, 6)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            module.momentum = None
    with torch.no_grad():
        made.train()(torch.randn(8, 3, 64, 64))
    return made.eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_the_answers_stay_and_the_network_too(network: nn.Module, images: torch.Tensor) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    quantised = quantise(network, observe(network, images.split(4)), 7)
    with torch.inference_mode():
        expected, answer = network(images), quantised(images)
    # Random weights tell pictures apart by little; what 8 bits cost trained ones is in their cards.
    alike = float(torch.corrcoef(torch.stack([answer.flatten(), expected.flatten()]))[0, 1])
    assert 0.8 < alike < 0.9999
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_ranges_alone_make_it_again(network: nn.Module, images: torch.Tensor) -> None:
    ranges = observe(network, [images])
    assert all(low <= 0 < high for low, high in ranges.values())
    with torch.inference_mode():
        first, second = (quantise(network, ranges, 7)(images) for _ in range(2))
    assert torch.equal(first, second)


def test_what_is_large_is_in_8_bits_and_the_head_is_not(network: nn.Module, images: torch.Tensor) -> None:
    quantised: QuantisedNetwork = quantise(network, observe(network, [images]), 7)
    of_8_bits = [module for module in quantised.features.modules() if "quantized" in type(module).__module__]
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) - 2 <= len([each for each in of_8_bits if "Conv" in type(each).__name__])
    assert type(quantised.fc) is nn.Linear


def test_ranges_of_another_network_are_refused(network: nn.Module, images: torch.Tensor) -> None:
    ranges = observe(network, [images])
    ranges.popitem()
    with pytest.raises(ValueError, match="belong to another network"):
        quantise(network, ranges, 7)


@pytest.mark.skipif(value_bits() == 7, reason="this processor adds up in 16 bits (no AVX512-VNNI)")
def test_eight_bits_are_nearer_than_seven(network: nn.Module, images: torch.Tensor) -> None:
    ranges = observe(network, [images])
    with torch.inference_mode():
        expected = network(images)
        seven, eight = (float((quantise(network, ranges, bits)(images) - expected).abs().mean()) for bits in (7, 8))
    assert eight < seven
