"""EXIF (CIPA DC-008): whether a block is so plain that all readers agree about it, and turning a picture by it."""

import struct

from PIL import Image

_ORIENTATION, _SHORT = 0x0112, 3
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# Where else Pillow looks for an orientation. Neither browsers nor DALI do.
_HEARSAY = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def is_plain(block: bytes) -> bool:
    """Whether the first directory lies inside the block and has at most one orientation, one SHORT.

    About other blocks readers differ, and some of them read behind the end.
    """
    order = _BYTE_ORDERS.get(block[:4])
    if order is None or len(block) < 8:
        return False
    (at,) = struct.unpack_from(order + "I", block, 4)
    if at + 2 > len(block):
        return False
    (entries,) = struct.unpack_from(order + "H", block, at)
    directory = block[at + 2 : at + 2 + 12 * entries]
    if len(directory) < 12 * entries:
        return False
    found = [entry[1:] for entry in struct.iter_unpack(order + "HHI4x", directory) if entry[0] == _ORIENTATION]
    return found in ([], [(_SHORT, 1)])


def upright(image: Image.Image) -> Image.Image:
    """The loaded picture, turned by its EXIF orientation; as it is where that can not be read."""
    for name in _HEARSAY:
        image.info.pop(name, None)
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # Pillow's reader raises whatever it stumbles over; the picture is none the worse for it
        return image
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
