"""GIF (89a): all that stands before the first frame.

A reader of its own: while it opens a file, Pillow draws the ground of the first frame, however large that is.
"""

import struct

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader

_SIGNATURES = (b"GIF87a", b"GIF89a")
_HEADER = 13  # bytes, the logical screen included
_EXTENSION, _FRAME = 0x21, 0x2C
_GRAPHIC_CONTROL = 0xF9
_MAX_BLOCKS = 20_000


def sniff(data: bytes) -> bool:
    """Return whether the signature's six bytes are there."""
    return data.startswith(_SIGNATURES)


def read(data: bytes) -> ImageHeader:
    """Read the size, that of the screen or of a first frame that is larger; leave out comments and the like.

    Raises:
        BrokenImage: there is no first frame, or too much before it.
        IndexError: the file ends before it.
        struct.error: the same.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = start = _HEADER + _colours(flags)
    control = b""
    blocks = 0
    while data[position] == _EXTENSION:
        begin, position = position, position + 2
        while length := data[position]:
            position += 1 + length
            blocks += 1
            if blocks > _MAX_BLOCKS:
                raise BrokenImage(
                    f"The GIF file has more than {_MAX_BLOCKS} blocks before its first frame. Export it as PNG."
                )
        position += 1
        if data[begin + 1] == _GRAPHIC_CONTROL:
            control = data[begin:position]
    if data[position] != _FRAME:
        raise BrokenImage("The GIF file has no marker where its first frame begins. Send the original file.")
    left, top, frame_width, frame_height = struct.unpack_from("<HHHH", data, position + 1)
    content = data[:start] + control + data[position:]
    return ImageHeader("GIF", max(width, left + frame_width), max(height, top + frame_height), content, native=False)


def _colours(flags: int) -> int:
    """Return the length of the colour table that the screen's flags announce, in bytes."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
