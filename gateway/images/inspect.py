"""The one entrance: which format, how large, and whole or not, from the first bytes and the structure."""

import struct

from gateway.errors import BrokenImage, ImageTooLarge, UnsupportedFormat
from gateway.images import gif, jpeg, pillow, png, tiff, webp
from gateway.images.header import ImageHeader

ACCEPTED = ("JPEG", "PNG", "WebP", "BMP", "TIFF", "GIF", "HEIC/HEIF", "AVIF")
_READERS = (
    (jpeg.sniff, jpeg.read),
    (png.sniff, png.read),
    (webp.sniff, webp.read),
    (tiff.sniff, tiff.read),
    (gif.sniff, gif.read),
)


def inspect(data: bytes, max_pixels: int) -> ImageHeader:
    """Read the structure of an encoded image; no pixel is decoded.

    Args:
        data: the bytes of the file.
        max_pixels: the most pixels that an image may have.

    Raises:
        ImageTooLarge: it has more, even if the file is cut off behind its header.
        BrokenImage: a damaged or truncated file of an accepted format.
        UnsupportedFormat: anything else.
    """
    try:
        header = _read(data)
    except (IndexError, ValueError, OverflowError, struct.error) as exc:
        raise BrokenImage("The image file ends or goes wrong inside its header. Send the whole file.") from exc
    if header.pixels > max_pixels:
        raise ImageTooLarge(header.width, header.height, max_pixels)
    if header.width < 1 or header.height < 1:
        raise BrokenImage(f"The {header.format} file declares a size of {header.width} x {header.height} pixels.")
    if not header.complete:
        raise BrokenImage(f"The {header.format} file is cut off. Send the whole file.")
    return header


def _read(data: bytes) -> ImageHeader:
    for sniff, read in _READERS:
        if sniff(data):
            return read(data)
    format_ = pillow.format_of(data)
    if format_ is None:
        raise UnsupportedFormat(ACCEPTED)
    return pillow.read(data, format_)
