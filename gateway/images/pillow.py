"""BMP, GIF, TIFF, HEIF and AVIF: headers and pictures by Pillow, which opens a file without decoding it."""

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

_WIDTH, _HEIGHT, _SUBFILE_TYPE, _PHOTOMETRIC, _DNG_VERSION = 256, 257, 254, 262, 50706
_STRIP_OFFSETS, _TILE_OFFSETS = 273, 324
_REDUCED = 1  # a bit of the subfile type
_SENSOR_DATA = (32803, 34892)  # a colour filter array; linear raw
_MAX_STRIPS = 65_536

# Errors whose text a decoder wrote, not Python.
_READABLE = (OSError, SyntaxError, ValueError, RuntimeError, EOFError)
_SAYS_NOTHING = frozenset(("not identified by this driver",))
_UNSUPPORTED = re.compile(r"support|unknown|unrecogni[sz]ed|not implemented|codec|cannot handle", re.IGNORECASE)


def format_of(data: bytes) -> str | None:
    """Return which of the formats of this module the first bytes are of."""
    if _BMP.match(data):
        return "BMP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if data[4:8] == b"ftyp":
        length = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}
        return "AVIF" if brands & _AVIF else "HEIF" if brands & _HEIF else None
    return None


def read(data: bytes, format_: str) -> ImageHeader:
    """Read the size of the first frame, or of a HEIF file's primary picture. None of these formats is native.

    Raises:
        BrokenImage: the header is damaged, or the file is of a raw format.
        IndexError: the header ends too early.
    """
    size = _tiff_size(data) if format_ == "TIFF" else heif.declared_size(data) if format_ in ("HEIF", "AVIF") else None
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


def _tiff_size(data: bytes) -> tuple[int, int]:
    """Read the first directory alone: opening a file takes a hundred times the memory of its list of strips."""
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if b"+" in data[2:4] else 8])
        source = io.BytesIO(data)
        source.seek(directory.next)
        directory.load(source)
        width, height = int(directory[_WIDTH]), int(directory[_HEIGHT])
        strips = len(directory.get(_STRIP_OFFSETS) or directory.get(_TILE_OFFSETS) or ())
    except Exception as exc:
        raise not_decoded("TIFF", exc) from exc
    if (
        data[8:10] == b"CR"  # Canon
        or _DNG_VERSION in directory
        or directory.get(_PHOTOMETRIC) in _SENSOR_DATA
        or directory.get(_SUBFILE_TYPE, 0) & _REDUCED
    ):
        raise BrokenImage(
            "The file is of a raw format of cameras (as NEF, DNG, CR2, ARW), or its first picture is only a preview. "
            "Export it as JPEG."
        )
    if strips > _MAX_STRIPS:
        raise BrokenImage(f"The TIFF file has more than {_MAX_STRIPS} strips. Save it again with a common program.")
    return width, height
