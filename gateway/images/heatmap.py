"""Draws where a network looked: an activation map as a heat map, by itself or over the photo."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gateway.images import pillow
from gateway.images.header import ImageHeader
from imaging.decode import rendered

_EDGE = 640  # pixels of the longer side of what is drawn
_OPACITY = 0.8
_DARKENED = 0.6


def draw_heat(activations: NDArray[np.float32]) -> bytes:
    """Draw a square PNG to stretch over the photo: transparent where nothing spoke for the class.

    Args:
        activations: the class's map, FP32 [height, width].
    """
    return _png(_heat(activations, (_EDGE, _EDGE)))


def draw_over_photo(header: ImageHeader, activations: NDArray[np.float32]) -> bytes:
    """Draw a PNG of the photo, grey and at most 640 pixels long, under its heat map.

    Raises:
        BrokenImage: the photo cannot be decoded.
    """
    with pillow.opened(header.content, header.format) as image:
        try:
            image.draft("RGB", (_EDGE, _EDGE))  # decodes a large JPEG at a fraction of its size
            picture = rendered(image)
        except Exception as exc:  # Pillow's plugins raise exceptions of any kind
            raise pillow.not_decoded(header.format, exc) from exc
    picture.thumbnail((_EDGE, _EDGE))
    photo = picture.convert("L")
    background = photo.point(lambda value: value * _DARKENED).convert("RGBA")
    return _png(Image.alpha_composite(background, _heat(activations, photo.size)).convert("RGB"))


def _heat(activations: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """Return RGBA of ``size``. Negative values speak against the class and are not shown; the largest one is opaque."""
    positive = np.maximum(activations, 0)
    heat = positive / max(float(positive.max()), np.finfo(np.float32).tiny)
    smooth = Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    value = np.clip(np.asarray(smooth), 0, 1)
    # From orange to a pale yellow: it differs from the grey photo in brightness too, for those who see few colours.
    channels = (np.full_like(value, 1), 0.4 + 0.55 * value, 0.7 * value**2, _OPACITY * value)
    return Image.fromarray((np.stack(channels, axis=-1) * 255).round().astype(np.uint8), "RGBA")


def _png(image: Image.Image) -> bytes:
    output = io.BytesIO()
    image.save(output, "PNG", compress_level=1)
    return output.getvalue()
