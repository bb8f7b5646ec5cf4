"""EXIF (CIPA DC-008): whether a block is so plain that all readers agree about it."""

import struct

_ORIENTATION, _SHORT = 0x0112, 3
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def is_plain(block: bytes) -> bool:
    """Return whether the first directory lies inside the block and has at most one orientation, one SHORT.

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
