"""Where a network looked: class activation maps (Zhou et al., 2016, https://arxiv.org/abs/1512.04150) at no extra cost.

Both networks end in global average pooling and one linear layer. The two commute: the linear layer at every place of
the last feature map gives a map for each class, and the mean of a map, plus the bias, is the class's logit. So the
probabilities are made of the maps, and a plain prediction pays nothing for them; Triton sends them to those who ask.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import nn


class ExplainedNetwork(nn.Module):
    """A network with its calibration temperature and softmax, and its class activation maps as a second output."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map FP32 [N, 3, S, S] to probabilities FP32 [N, classes] and maps FP32 [N, classes, S / 32, S / 32].

        A map is in units of the logit: where it is positive speaks for the class, where it is negative against it.
        """
        features = cast(Callable[[torch.Tensor], torch.Tensor], self.network.features)
        linear = cast(nn.Linear, self.network.fc)
        # From here on in FP32 whatever the network computes in, so that probabilities sum to 1 as closely as ever.
        maps = nn.functional.conv2d(features(images), linear.weight[:, :, None, None]).float()
        logits = maps.mean(dim=(2, 3)) + linear.bias
        return torch.softmax(logits / self.temperature, dim=1), maps
