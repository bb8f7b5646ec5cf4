"""Decodes what DALI does not: JPEG on a CPU, what DALI shows otherwise than a browser, and large images.

TurboJPEG takes 0.6 of DALI's CPU time for a small JPEG, and says whether the file is damaged, which DALI does not.
"""

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from imaging import jpeg
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
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
_JPEG = ("JPEG", "MPO")


class Decoding(NamedTuple):
    """An image that is being decoded.

    Attributes:
        pixels: UINT8 [3, size, size] some time, or the OSError of a broken image.
        is_huge: whether it is decoded alone, behind all others of its kind, which may take long.
    """

    pixels: "Future[Array]"
    is_huge: bool


class HostDecoder:
    """Threads that decode and resize one image each."""

    def __init__(self, size: int, threads: int, *, takes_jpeg: bool) -> None:
        """Start nothing yet.

        Args:
            size: pixels of each edge of an answer.
            threads: how many images are decoded at a time.
            takes_jpeg: whether every JPEG is decoded here; a GPU has a decoder for them.
        """
        self._size = size
        self._takes_jpeg = takes_jpeg
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._alone = ThreadPoolExecutor(1, thread_name_prefix="decode-huge")
        # JPEGs of 200 megapixels come from phones, and are decoded at an eighth of their size.
        Image.MAX_IMAGE_PIXELS = None
        silence_pillow()

    def close(self) -> None:
        """Wait for all that was begun."""
        self._pool.shutdown()
        self._alone.shutdown()

    def submit(self, encoded: Array) -> Decoding | None:
        """Begin to decode an image.

        Args:
            encoded: UINT8 [bytes] of an image file.

        Returns:
            What becomes of it; None where DALI shall decode.
        """
        content = encoded.tobytes()
        try:
            # A JPEG may lack its end marker, which Pillow wants.
            file = io.BytesIO(jpeg.with_end(content) if content.startswith(jpeg.START) else content)
            image = Image.open(file, formats=_FORMATS)
            has_transparency = image.has_transparency_data  # fails where a palette is missing
        except Exception:  # DALI says whether it is no image, and why
            return None
        if image.format in _JPEG:
            # DALI takes four components without Adobe's marker for their negative.
            is_meant = self._takes_jpeg or image.mode == "CMYK"
            return self._jpeg(content, image) if is_meant else None
        # DALI reads EXIF in JPEG and TIFF alone, and a damaged one in PNG ends its process.
        has_exif = image.format != "TIFF" and "exif" in image.info
        pixels = image.width * image.height
        is_meant = has_exif or has_transparency or pixels > LARGE
        return self._begin(image, pixels, lambda: resize(rendered(image), self._size)) if is_meant else None

    def _begin(self, image: Image.Image, pixels: int, decode: Callable[[], Array]) -> Decoding:
        """Have an image decoded, of which so many pixels are in memory meanwhile."""
        if pixels > _MOST:
            refused: Future[Array] = Future()
            refused.set_exception(OSError(f"{image.width} x {image.height} pixels are more than {_MOST}"))
            return Decoding(refused, is_huge=False)
        is_huge = pixels > _HUGE
        return Decoding((self._alone if is_huge else self._pool).submit(decode), is_huge)

    def _jpeg(self, content: bytes, image: Image.Image) -> Decoding:
        width, height = image.size
        scale = self._scale(width, height)
        # libjpeg keeps all coefficients of a progressive one.
        pixels = width * height // (1 if image.info.get("progressive") else scale**2)
        return self._begin(image, pixels, partial(self._decode_jpeg, content, image, scale))

    def _decode_jpeg(self, content: bytes, image: Image.Image, scale: int) -> Array:
        width, height = image.size  # before it is scaled
        picture, turn = self._picture(content, image, scale), turn_of(image)
        if scale > 1:
            return resize(picture, self._size, (width / scale, height / scale), turn)
        return resize(picture if turn is None else picture.transpose(turn), self._size)

    def _picture(self, content: bytes, image: Image.Image, scale: int) -> Image.Image:
        if image.mode == "CMYK":  # whose colours Adobe inverts, which only Pillow knows
            jpeg.is_whole(content)
        elif (decoded := jpeg.decoded(content, *image.size, scale)) is not None:
            return Image.frombuffer("RGB", decoded.shape[1::-1], decoded, "raw", "RGB", 0, 1)
        image.draft(None, (image.width // scale, image.height // scale))
        try:
            return rendered(image, turned=False)
        except OSError as exc:
            raise jpeg.DamagedJpegError(str(exc)) from exc

    def _scale(self, width: int, height: int) -> int:
        """Return what part of a JPEG's size is decoded: of a large one the smallest of at least twice the answer's."""
        if width * height <= LARGE:
            return 1
        return next(scale for scale in (8, 4, 2, 1) if scale == 1 or min(width, height) >= 2 * self._size * scale)
