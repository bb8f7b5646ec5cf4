"""BMP, HEIF and AVIF: headers by Pillow, which opens such files without decoding them; pictures of every format."""

import io
import re
from collections.abc import Callable
from functools import cache

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from gateway.errors import BrokenImage
from gateway.images import heif
from gateway.images.header import ImageHeader
from imaging.quiet import silence_pillow

# Their classes are called by themselves: `Image.open` keeps the reason of a failure to itself.
_CLASSES: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "HEIF": pillow_heif.HeifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
# Two letters are too common: the length of the bitmap header follows.
_BMP = re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)
_AVIF = frozenset({b"avif", b"avis"})
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"})

# Errors whose text a decoder wrote, not Python.
_READABLE = (OSError, SyntaxError, ValueError, RuntimeError, EOFError)
_SAYS_NOTHING = frozenset(("not identified by this driver",))
_UNSUPPORTED = re.compile(r"support|unknown|unrecogni[sz]ed|not implemented|codec|cannot handle", re.IGNORECASE)


def format_of(data: bytes) -> str | None:
    """Return which of the formats of this module the first bytes are of."""
    if _BMP.match(data):
        return "BMP"
    if data[4:8] == b"ftyp":
        length = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}
        return "AVIF" if brands & _AVIF else "HEIF" if brands & _HEIF else None
    return None


def read(data: bytes, format_: str) -> ImageHeader:
    """Read the size of the picture, of a HEIF file that of its primary picture. None of these formats is native.

    Raises:
        BrokenImage: the header is damaged.
        IndexError: the header ends too early.
    """
    size = heif.declared_size(data) if format_ in ("HEIF", "AVIF") else None
    return ImageHeader(format_, *(size or opened(data, format_).size), data, native=False)


def opened(data: bytes, format_: str) -> ImageFile.ImageFile:
    """Open an image file of any accepted format, without decoding it.

    Raises:
        BrokenImage: the header is damaged or of an unknown kind.
    """
    _prepare_pillow()
    try:
        return _CLASSES[format_](io.BytesIO(data))
    except Exception as exc:  # Pillow's plugins raise exceptions of any kind
        raise not_decoded(format_, exc) from exc


def not_decoded(format_: str, exc: Exception) -> BrokenImage:
    """Return the error with a decoder's reason, and with what to do about it."""
    told = " ".join(str(exc).split())[:200].rstrip(".") if isinstance(exc, _READABLE) else ""
    reason = told if told and told not in _SAYS_NOTHING else "its header is damaged"
    remedy = "Export it as JPEG" if _UNSUPPORTED.search(reason) else "Send the original file, or export it as JPEG"
    return BrokenImage(f"The {format_} file cannot be decoded: {reason}. {remedy}.")


@cache
def _prepare_pillow() -> None:
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    # `inspect` has a limit of its own, which is a setting.
    Image.MAX_IMAGE_PIXELS = None
    silence_pillow()
