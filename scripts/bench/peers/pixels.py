"""Preprocessing for the tuned peers: Pillow for the photo, as little copying as possible for the rest."""

import io

import numpy as np
import torch
from PIL import Image

from training.specification import Specification


class Preprocessing:
    """Bytes of an image file to the normalised tensor FP32 [1, 3, size, size], channels-last."""

    def __init__(self, specification: Specification) -> None:
        self._size = (specification.size, specification.size)
        mean, std = (torch.tensor(values).view(1, 1, 1, 3) for values in (specification.mean, specification.std))
        # One multiplication and one subtraction for a value: (x / 255 - mean) / std.
        self._factor, self._offset = 1 / (255 * std), mean / std

    def __call__(self, photo: bytes) -> torch.Tensor:
        """Decode, resize, normalise."""
        with Image.open(io.BytesIO(photo)) as image:
            resized = image.convert("RGB").resize(self._size, Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(resized))[None].float()
        return (pixels * self._factor - self._offset).permute(0, 3, 1, 2)
