"""Where a network looked: class activation maps (Zhou et al., 2016, https://arxiv.org/abs/1512.04150) at no extra cost.

Both networks end in global average pooling and one linear layer. The two commute: the linear layer at every place of
the last feature map gives a map for each class, and the mean of a map, plus the bias, is the class's logit. So the
probabilities are made of the maps, and a plain prediction pays nothing for them; Triton sends them to those who ask.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import nn

from training.dataset.preprocessing import standardised
from training.dataset.specification import Specification


class ServedNetwork(nn.Module):
    """What Triton runs: a network behind the normalisation of its pixels, with calibrated probabilities and their maps.

    Pixels come as bytes: a quarter of what their normalised values would be to hand over from process to process.
    """

    def __init__(self, network: nn.Module, temperature: float, specification: Specification) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature
        # No buffers: in TorchScript they become constants, which stay in FP32 whatever the network is cast to.
        self._mean, self._std = (
            torch.tensor(values).view(1, 3, 1, 1) for values in (specification.mean, specification.std)
        )

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map UINT8 [N, 3, S, S] to probabilities FP32 [N, classes] and maps FP32 [N, classes, S / 32, S / 32].

        A map is in units of the logit: where it is positive speaks for the class, where it is negative against it.
        """
        features = cast(Callable[[torch.Tensor], torch.Tensor], self.network.features)
        linear = cast(nn.Linear, self.network.fc)
        images = standardised(pixels, self._mean, self._std).type_as(linear.weight)
        # From here on in FP32 whatever the network computes in, so that probabilities sum to 1 as closely as ever.
        maps = nn.functional.conv2d(features(images), linear.weight[:, :, None, None]).float()
        logits = maps.mean(dim=(2, 3)) + linear.bias
        return torch.softmax(logits / self.temperature, dim=1), maps
