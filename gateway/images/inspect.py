"""The one entrance: which format, how large, and whole or not, from the first bytes and the structure."""

import struct
from collections.abc import Callable

from gateway.errors import BrokenImage, ImageTooLarge, UnsupportedFormat
from gateway.images import bmp, gif, heif, jpeg, png, tiff, webp
from gateway.images.header import ImageHeader

ACCEPTED = ("JPEG", "PNG", "WebP", "BMP", "TIFF", "GIF", "HEIC/HEIF", "AVIF")

# `sniff` of a module tells by the first bytes whether its format is meant, `read` looks at the structure.
_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], ImageHeader]], ...] = tuple(
    (module.sniff, module.read) for module in (jpeg, png, webp, bmp, tiff, gif, heif)
)


def inspect(data: bytes, max_pixels: int) -> ImageHeader:
    """Reads the structure of an encoded image; no pixel is decoded.

    Raises `ImageTooLarge` above `max_pixels` (also for a file that is cut off behind its header), `BrokenImage` for a
    damaged or truncated file of an accepted format, `UnsupportedFormat` for everything else.
    """
    read = next((read for sniff, read in _FORMATS if sniff(data)), None)
    if read is None:
        raise UnsupportedFormat(ACCEPTED)
    try:
        header = read(data)
    except (IndexError, ValueError, OverflowError, struct.error) as error:
        raise BrokenImage("The image file ends or goes wrong inside its header. Send the whole file.") from error
    if header.pixels > max_pixels:
        raise ImageTooLarge(header.width, header.height, max_pixels)
    if header.pixels == 0:
        raise BrokenImage(f"The {header.format} file declares a size of {header.width} x {header.height} pixels.")
    if not header.complete:
        raise BrokenImage(f"The {header.format} file is cut off. Send the whole file.")
    return header
