"""Preprocessing for the tuned baselines: Pillow for the photo, as little copying as possible for the rest."""

import io

import numpy as np
import torch
from PIL import Image

from training.dataset.specification import Specification


def read_pixels(photo: bytes, size: int) -> torch.Tensor:
    """Decode and resize: bytes of an image file to UINT8 [1, 3, size, size], channels-last.

    A large JPEG is decoded at libjpeg's smallest scale that is at least twice the size on each edge,
    as the service does.
    """
    with Image.open(io.BytesIO(photo)) as image:
        image.draft("RGB", (2 * size, 2 * size))
        resized = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized))[None].permute(0, 3, 1, 2)


class Preprocessing:
    """For a network that does not normalise: bytes of an image file to FP32 [1, 3, size, size], channels-last."""

    def __init__(self, specification: Specification) -> None:
        self._size = specification.size
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (specification.mean, specification.std))
        # One multiplication and one subtraction for a value: (x / 255 - mean) / std.
        self._factor, self._offset = 1 / (255 * std), mean / std

    def __call__(self, photo: bytes) -> torch.Tensor:
        """Decode, resize, normalise."""
        return read_pixels(photo, self._size).float() * self._factor - self._offset
