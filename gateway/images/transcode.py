"""Converts what Triton's decoder does not take into an uncompressed file that it takes, without loss."""

import asyncio
import io
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy
import pillow_heif
from PIL import Image

from gateway.errors import BrokenImage
from gateway.images.exif import upright
from gateway.images.header import ImageHeader

_MOST_PIXELS = 12_500_000
_LEAST_SIDE = 1000


class Transcoder:
    """A bounded pool of threads that decode the first frame of GIF, HEIF, AVIF and odd variants into BMP.

    BMP, because writing it costs a copy and no compression. The EXIF orientation is applied, alpha is dropped, and
    sixteen bits of grey are scaled to eight with rounding, as DALI does. Above 12.5 megapixels blocks of pixels are
    averaged first: the networks look at a picture some hundred times smaller, where that makes no difference, and
    a file of 150 MB would be copied several times on its way.
    """

    def __init__(self, threads: int) -> None:
        pillow_heif.register_heif_opener(thumbnails=False)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="transcode")

    def to_native(self, data: bytes, header: ImageHeader) -> "asyncio.Future[bytes]":
        """The picture as a BMP file, some time. The future raises `BrokenImage` where it can not be decoded."""
        return asyncio.get_running_loop().run_in_executor(self._pool, _to_bmp, data, header)

    def run(self, function: Callable[..., bytes], *arguments: object) -> "asyncio.Future[bytes]":
        """Calls a function that decodes pictures too, in one of the threads."""
        return asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _to_bmp(data: bytes, header: ImageHeader) -> bytes:
    try:
        with Image.open(io.BytesIO(data), formats=[header.format.upper()]) as image:
            if image.width * image.height > header.pixels:
                raise BrokenImage(f"The {header.format} file contradicts itself about its size.")
            image.load()
            picture = _to_rgb(upright(image))
            picture = picture.reduce(_factors(*picture.size))
    except BrokenImage:
        raise
    except Exception as error:
        # Pillow's plugins raise whatever their parsers stumble over, from OSError to KeyError.
        raise BrokenImage(f"The {header.format} file can not be decoded. Send the original file.") from error
    output = io.BytesIO()
    picture.save(output, "BMP")
    return output.getvalue()


def _factors(width: int, height: int) -> tuple[int, int]:
    """How many columns and how many rows become one; the longer side gives what the shorter one can not."""
    needed = width * height / _MOST_PIXELS
    shorter = max(1, min(math.ceil(math.sqrt(needed)), min(width, height) // _LEAST_SIDE))
    longer = max(shorter, min(math.ceil(needed / shorter), max(width, height) // _LEAST_SIDE))
    return (longer, shorter) if width >= height else (shorter, longer)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 and makes nearly all pictures white.
        grey = (numpy.asarray(image).astype(numpy.uint32) + 128) // 257
        return Image.fromarray(grey.astype(numpy.uint8)).convert("RGB")
    return image.convert("RGB")
