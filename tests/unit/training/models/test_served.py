"""Class activation maps: the probabilities are those of the plain network, and the maps point at what made them."""

import pytest
import torch

from training.dataset.preprocessing import normalise
from training.dataset.specification import load_specification
from training.models.build import build_network
from training.models.calibrated import CalibratedNetwork
from training.models.model_types import NETWORK_MODELS
from training.models.served import ServedNetwork

SPECIFICATION = load_specification()


@pytest.mark.parametrize("model_type", NETWORK_MODELS)
@pytest.mark.parametrize("size", [96, 130])
def test_probabilities_are_those_of_the_plain_network(model_type: str, size: int) -> None:
    torch.manual_seed(0)
    network = build_network(model_type, 5).eval()
    torch.nn.init.normal_(network.get_submodule("fc").bias)  # type: ignore[arg-type]
    pixels = torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8)
    images = normalise(pixels, SPECIFICATION)
    with torch.inference_mode():
        probabilities, maps = ServedNetwork(network, 1.7, SPECIFICATION)(pixels)
        torch.testing.assert_close(probabilities, CalibratedNetwork(network, 1.7)(images), atol=1e-5, rtol=0)
        logits = network(images)
    edge = -(-size // 32)
    assert maps.shape == (2, 5, edge, edge)
    bias = network.get_submodule("fc").bias
    torch.testing.assert_close(maps.mean(dim=(2, 3)) + bias, logits, atol=1e-4, rtol=1e-4)


class TellsRedFromGreen(torch.nn.Module):
    """Features are the colours of each cell; class 0 is red, class 1 is green."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.AvgPool2d(32)
        self.fc = torch.nn.Linear(3, 2, bias=True)
        with torch.no_grad():
            self.fc.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]))


def test_maps_are_brightest_where_the_evidence_is() -> None:
    pixels = torch.zeros(1, 3, 128, 128, dtype=torch.uint8)
    pixels[0, 0, 32:64, 96:128] = 255  # red in row 1, column 3
    pixels[0, 1, 96:128, 0:32] = 255  # green in row 3, column 0
    with torch.inference_mode():
        _, maps = ServedNetwork(TellsRedFromGreen(), 1.0, SPECIFICATION)(pixels)
    assert [divmod(int(each.argmax()), 4) for each in maps[0]] == [(1, 3), (3, 0)]
