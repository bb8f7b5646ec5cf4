"""GIF (version 89a): the screen's size, the first frame's, and the chain of blocks up to the trailer."""

import struct

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader

_EXTENSION, _FRAME, _TRAILER = 0x21, 0x2C, 0x3B
_MAX_BLOCKS = 200_000


def sniff(data: bytes) -> bool:
    """One of the two versions."""
    return data[:6] in (b"GIF87a", b"GIF89a")


def read(data: bytes) -> ImageHeader:
    """The size of the screen or of the largest frame. No GIF is native: DALI does not decode it."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + _palette_bytes(flags)
    blocks = 0
    complete = False
    while position < len(data):
        kind = data[position]
        if kind == _TRAILER:
            complete = True
            break
        if kind == _FRAME:
            left, top, frame_width, frame_height, flags = struct.unpack_from("<HHHHB", data, position + 1)
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            position += 11 + _palette_bytes(flags)  # the frame's header, its palette, and one byte of code size
        elif kind == _EXTENSION:
            position += 2
        else:
            raise BrokenImage("The GIF file has an unknown block. Send the original file.")
        while position < len(data) and data[position] != 0:
            position += 1 + data[position]
            blocks += 1
            if blocks > _MAX_BLOCKS:
                raise BrokenImage(f"The GIF file has more than {_MAX_BLOCKS} blocks. Send its first picture alone.")
        position += 1
    return ImageHeader("GIF", width, height, complete, native=False)


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 0x07) + 1) if flags & 0x80 else 0
