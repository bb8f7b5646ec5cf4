"""`raw`: a small residual network of plain 3x3 convolutions, trained from random weights.

Plain convolutions with channel counts in multiples of 16 fill the vector registers of a CPU where depthwise ones leave
them waiting for memory; docs/experiments.md has the comparison. 2.6 million parameters, 0.48 GMAC at 192 pixels.
"""

from typing import cast

import torch
from torch import nn

STEM = 32
#: (channels, residual blocks) of each stage; each begins by halving the resolution.
STAGES = ((48, 1), (80, 2), (160, 2), (224, 1))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside an identity (He et al., 2016, https://arxiv.org/abs/1512.03385)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        # The block starts as the identity (Goyal et al., 2017, https://arxiv.org/abs/1706.02677).
        nn.init.zeros_(cast(nn.BatchNorm2d, self.second[1]).weight)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map [N, C, H, W] to the same shape."""
        return torch.relu(features + self.second(self.first(features)))


class RawCNN(nn.Module):
    """FP32 [N, 3, H, W] to logits [N, classes], by global average pooling and one linear layer."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, STEM, stride=2)]
        channels = STEM
        for width, blocks in STAGES:
            layers.append(_convolution(channels, width, stride=2))
            layers.extend(ResidualBlock(width) for _ in range(blocks))
            channels = width
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, classes)
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes]."""
        return cast(torch.Tensor, self.fc(self.features(images).mean(dim=(2, 3))))
