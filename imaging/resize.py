"""The one resize of training and of serving on a CPU."""

from typing import Any

import numpy as np
from cykooz_resizer import FilterType, ResizeAlg, ResizeOptions, Resizer
from PIL import Image

Array = np.ndarray[Any, np.dtype[np.uint8]]


def resize(image: Image.Image, size: int) -> Array:
    """Squeeze a whole RGB image into a square, by antialiased linear interpolation.

    The result has the bytes of PyTorch's ``interpolate(..., mode="bilinear", antialias=True)`` on UINT8. Both round
    after each pass; PyTorch's first pass goes along the rows, hence two calls. Other threads run meanwhile.

    Args:
        image: an RGB image of any size.
        size: pixels of each edge of the square.

    Returns:
        UINT8 ``[3, size, size]``.
    """
    resizer, options = Resizer(), ResizeOptions(ResizeAlg.convolution(FilterType.bilinear))
    narrow = Image.new("RGB", (size, image.height))
    square = Image.new("RGB", (size, size))
    resizer.resize_pil(image, narrow, options)
    resizer.resize_pil(narrow, square, options)
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))
