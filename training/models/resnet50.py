"""`pretrained`: ResNet-50 with torchvision's parameter names, so that a state dict of either fits the other.

Written here because the export runs where the models are served, and there torchvision is not installed. A test
compares the two, name by name and answer by answer.
"""

from typing import cast

import torch
from torch import nn

EXPANSION = 4
#: (bottleneck width, blocks, stride) of layer1 to layer4.
LAYERS = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions beside a shortcut; the 3x3 one carries the stride, as torchvision has it (v1.5)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.bn3.weight)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map [N, inputs, H, W] to [N, 4 * width, H / stride, W / stride]."""
        shortcut = features if self.downsample is None else self.downsample(features)
        out = self.relu(self.bn1(self.conv1(features)))
        out = self.relu(self.bn2(self.conv2(out)))
        return cast(torch.Tensor, self.relu(self.bn3(self.conv3(out)) + shortcut))


def _layer(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(inputs, width, stride)
    return nn.Sequential(first, *(Bottleneck(width * EXPANSION, width, 1) for _ in range(blocks - 1)))


class ResNet50(nn.Module):
    """FP32 [N, 3, H, W] to logits [N, classes] (He et al., 2016, https://arxiv.org/abs/1512.03385)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        inputs = 64
        for number, (width, blocks, stride) in enumerate(LAYERS, start=1):
            self.add_module(f"layer{number}", _layer(inputs, width, blocks, stride))
            inputs = width * EXPANSION
        self.fc = nn.Linear(inputs, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def maps_below(self, images: torch.Tensor) -> torch.Tensor:
        """Return the map that ``layer4`` sees, [N, 1024, H / 16, W / 16]."""
        out = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for number in range(1, len(LAYERS)):
            out = self.get_submodule(f"layer{number}")(out)
        return cast(torch.Tensor, out)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last feature map, [N, 2048, H / 32, W / 32]."""
        return cast(torch.Tensor, self.get_submodule("layer4")(self.maps_below(images)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes]."""
        return cast(torch.Tensor, self.fc(self.features(images).mean(dim=(2, 3))))
