"""Draws where a network looked: an activation map as a heat map, by itself or over the photo."""

import io

import numpy
from numpy.typing import NDArray
from PIL import Image

from gateway.errors import BrokenImage
from gateway.images.exif import upright
from gateway.images.header import ImageHeader

_EDGE = 640  # pixels of the longer side of what is drawn
_OPACITY = 0.8
_DARKENED = 0.6


def draw_heat(activations: NDArray[numpy.float32]) -> bytes:
    """A square PNG to stretch over the photo: transparent where nothing spoke for the class, bright where most did.

    `activations` is the class's map, FP32 [height, width].
    """
    return _png(_heat(activations, (_EDGE, _EDGE)))


def draw_over_photo(data: bytes, header: ImageHeader, activations: NDArray[numpy.float32]) -> bytes:
    """A PNG of the photo, grey and at most 640 pixels long, under its heat map. Raises `BrokenImage`."""
    try:
        with Image.open(io.BytesIO(data), formats=[header.format.upper()]) as image:
            image.draft("RGB", (_EDGE, _EDGE))  # decodes a large JPEG at a fraction of its size
            image.thumbnail((_EDGE, _EDGE))
            photo = upright(image).convert("L")
    except Exception as error:
        # Pillow's plugins raise whatever their parsers stumble over, from OSError to KeyError.
        raise BrokenImage(f"The {header.format} file can not be decoded. Send the original file.") from error
    ground = photo.point(lambda value: value * _DARKENED).convert("RGBA")
    return _png(Image.alpha_composite(ground, _heat(activations, photo.size)).convert("RGB"))


def _heat(activations: NDArray[numpy.float32], size: tuple[int, int]) -> Image.Image:
    """RGBA of `size`. Negative values speak against the class and are not shown; the largest one is opaque."""
    positive = numpy.maximum(activations, 0)
    heat = positive / max(float(positive.max()), numpy.finfo(numpy.float32).tiny)
    smooth = Image.fromarray(heat.astype(numpy.float32)).resize(size, Image.Resampling.BICUBIC)
    value = numpy.clip(numpy.asarray(smooth), 0, 1)
    # From orange to a pale yellow: it differs from the grey photo in brightness too, for those who see few colours.
    channels = (numpy.full_like(value, 1), 0.4 + 0.55 * value, 0.7 * value**2, _OPACITY * value)
    return Image.fromarray((numpy.stack(channels, axis=-1) * 255).round().astype(numpy.uint8), "RGBA")


def _png(image: Image.Image) -> bytes:
    output = io.BytesIO()
    image.save(output, "PNG", compress_level=1)
    return output.getvalue()
