"""Decodes by Pillow what DALI shows otherwise than a browser, and large images, which would take too much memory."""

import io
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np
from PIL import Image

from imaging.decode import rendered
from imaging.orientation import turn_of
from imaging.quiet import silence_pillow
from imaging.resize import resize

Array = np.ndarray[Any, np.dtype[Any]]

#: Pixels from which an image is large: DALI decodes sixteen smaller ones at a time.
LARGE = 2_000_000
#: Pixels from which an image is decoded alone, since each may take up to twelve bytes.
_HUGE = 16_000_000
#: Pixels that are decoded at most: Pillow's own limit, but after a JPEG is scaled.
_MOST = 178_956_970
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
_JPEG = ("JPEG", "MPO")


class PillowDecoder:
    """Threads that decode and resize one image each."""

    def __init__(self, size: int, threads: int, *, large_jpeg: bool) -> None:
        """Start nothing yet.

        Args:
            size: pixels of each edge of an answer.
            threads: how many images are decoded at a time.
            large_jpeg: whether large JPEGs are decoded here; a GPU has a decoder for them.
        """
        self._size = size
        self._large_jpeg = large_jpeg
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pillow")
        self._alone = threading.Lock()
        # JPEGs of 200 megapixels come from phones, and are decoded at an eighth of their size.
        Image.MAX_IMAGE_PIXELS = None
        silence_pillow()

    def submit(self, encoded: Array) -> "Future[Array] | None":
        """Begin to decode an image.

        Args:
            encoded: UINT8 [bytes] of an image file.

        Returns:
            UINT8 [3, size, size] some time, or the OSError of a broken image; None where DALI shall decode.
        """
        try:
            image = Image.open(io.BytesIO(encoded.data), formats=_FORMATS)
        except Exception:  # DALI says whether it is no image, and why
            return None
        return self._pool.submit(self._decode, image) if self._is_meant(image) else None

    def _is_meant(self, image: Image.Image) -> bool:
        # Four components: DALI takes those without Adobe's marker for their negative. EXIF: DALI reads it in JPEG and
        # TIFF alone, and a damaged one in PNG ends its process.
        if image.mode == "CMYK" or image.has_transparency_data:
            return True
        if image.format in _JPEG:
            return self._large_jpeg and image.width * image.height > LARGE
        return image.width * image.height > LARGE or (image.format != "TIFF" and "exif" in image.info)

    def _decode(self, image: Image.Image) -> Array:
        pixels, scaled = image.width * image.height, None
        if pixels > LARGE:
            # libjpeg decodes to a half, a quarter or an eighth, the smallest of at least this size. Others ignore it.
            scaled = image.draft(None, (2 * self._size, 2 * self._size))
            if not image.info.get("progressive"):  # libjpeg keeps all coefficients of a progressive one
                pixels = image.width * image.height
        if pixels > _MOST:
            raise OSError(f"{image.width} x {image.height} pixels are more than {_MOST}")
        with self._alone if pixels > _HUGE else nullcontext():
            if scaled is None:
                return resize(rendered(image), self._size)
            _, (_, _, width, height) = scaled
            return resize(rendered(image, turned=False), self._size, (width, height), turn_of(image))
