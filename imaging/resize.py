"""The one resize of training and of serving on a CPU."""

from typing import Any

import numpy as np
from cykooz_resizer import CropBox, FilterType, ResizeAlg, ResizeOptions, Resizer
from PIL import Image

Array = np.ndarray[Any, np.dtype[np.uint8]]


def resize(
    image: Image.Image, size: int, extent: tuple[float, float] | None = None, turn: Image.Transpose | None = None
) -> Array:
    """Squeeze a whole RGB image into a square, by antialiased linear interpolation.

    The result has the bytes of PyTorch's ``interpolate(..., mode="bilinear", antialias=True)`` on UINT8. Both round
    after each pass; PyTorch's first pass goes along the rows, hence two calls. Other threads run meanwhile.

    Args:
        image: an RGB image of any size.
        size: pixels of each edge of the square.
        extent: width and height of the photo in pixels of the image. A JPEG decoded at a fraction of its size has
            the fraction rounded up, and its last row and column hold less than the others.
        turn: how the square is turned.

    Returns:
        UINT8 ``[3, size, size]``.
    """
    width, height = extent or image.size
    resizer, linear = Resizer(), ResizeAlg.convolution(FilterType.bilinear)
    narrow = Image.new("RGB", (size, image.height))
    square = Image.new("RGB", (size, size))
    resizer.resize_pil(image, narrow, ResizeOptions(linear, crop_box=CropBox(0, 0, width, image.height)))
    resizer.resize_pil(narrow, square, ResizeOptions(linear, crop_box=CropBox(0, 0, size, height)))
    return np.ascontiguousarray(np.asarray(square if turn is None else square.transpose(turn)).transpose(2, 0, 1))
