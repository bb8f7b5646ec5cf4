"""Augmentation of whole batches on whatever device they are on.

One affine sampling does crop, scale, aspect ratio, turn and flip: photos of garbage have no up, so a quarter turn and a
mirror image are as likely as the photo itself.
"""

import math

import torch
from torch.nn import functional

from training.dataset.transfer import to_device
from training.train.recipes import Augmentation


def affine(pixels: torch.Tensor, size: int, settings: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Sample a random view of each picture: FP32 [N, 3, S, S] to [N, 3, size, size], on the same scale."""
    count, device = pixels.shape[0], pixels.device

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.empty(count).uniform_(low, high, generator=generator)

    area = uniform(settings.min_area, 1.0)
    ratio = torch.exp(uniform(-math.log(settings.max_ratio), math.log(settings.max_ratio)))
    width = (area * ratio).sqrt().clamp(max=1.0)
    height = (area / ratio).sqrt().clamp(max=1.0)
    centre_x, centre_y = uniform(-1, 1) * (1 - width), uniform(-1, 1) * (1 - height)
    quarter = torch.randint(0, 4, (count,), generator=generator) if settings.quarter_turns else torch.zeros(count)
    angle = quarter * (math.pi / 2) + uniform(-1, 1) * math.radians(settings.degrees)
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.stack(
        [
            torch.stack([width * cos * mirror, -width * sin, centre_x], dim=1),
            torch.stack([height * sin * mirror, height * cos, centre_y], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(to_device(theta, device), [count, 3, size, size], align_corners=False)
    return functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def colour(pixels: torch.Tensor, settings: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Change brightness, contrast, saturation and channel balance of FP32 [N, 3, H, W] on the scale 0 to 255."""

    def factor(strength: float, channels: int = 1) -> torch.Tensor:
        values = torch.empty((pixels.shape[0], channels, 1, 1)).uniform_(
            1 - strength, 1 + strength, generator=generator
        )
        return to_device(values, pixels.device)

    pixels = pixels * factor(settings.brightness) * factor(settings.channel_gain, channels=3)
    grey = pixels.mean(dim=1, keepdim=True)
    pixels = grey + (pixels - grey) * factor(settings.saturation)
    level = pixels.mean(dim=(1, 2, 3), keepdim=True)
    return (level + (pixels - level) * factor(settings.contrast)).clamp(0, 255)


def erase(images: torch.Tensor, settings: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Overwrite one random rectangle of some images with zeros (Zhong et al., 2017, https://arxiv.org/abs/1708.04896)."""
    size = images.shape[-1]
    for row in (torch.rand(len(images), generator=generator) < settings.erase).nonzero().flatten().tolist():
        height, width = (torch.empty(2).uniform_(0.15, 0.45, generator=generator) * size).int().tolist()
        top, left = (int(torch.randint(0, size - side, (1,), generator=generator)) for side in (height, width))
        images[row, :, top : top + height, left : left + width] = 0
    return images


def mix(
    images: torch.Tensor, targets: torch.Tensor, settings: Augmentation, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each image and its one-hot target with another of the batch.

    Either mixup (Zhang et al., 2017, https://arxiv.org/abs/1710.09412) or CutMix (Yun et al., 2019,
    https://arxiv.org/abs/1905.04899) or neither, by the shares that the recipe gives.
    """
    choice = float(torch.rand(1, generator=generator))
    if choice >= settings.mixup + settings.cutmix:
        return images, targets
    order = to_device(torch.randperm(len(images), generator=generator), images.device)
    share = float(torch.rand(1, generator=generator))
    if choice < settings.mixup:
        share = max(share, 1 - share)
        return images * share + images[order] * (1 - share), targets * share + targets[order] * (1 - share)
    size = images.shape[-1]
    side = round(size * math.sqrt(1 - share))
    top, left = (int(torch.randint(0, size - side + 1, (1,), generator=generator)) for _ in range(2))
    images = images.clone()
    images[:, :, top : top + side, left : left + side] = images[order, :, top : top + side, left : left + side]
    share = 1 - (side / size) ** 2
    return images, targets * share + targets[order] * (1 - share)
