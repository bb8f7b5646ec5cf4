"""EXIF (CIPA DC-008): whether a block is so plain that all readers agree about it."""

import struct

from imaging.tiff import ORIENTATION, SHORT, Directory


def is_plain(block: bytes) -> bool:
    """Return whether the first directory lies inside the block and has at most one orientation, one SHORT.

    About other blocks readers differ, and some of them read behind the end.
    """
    if b"+" in block[2:4]:  # BigTIFF is no EXIF
        return False
    try:
        directory = Directory(block)
        entries = list(directory)
    except (ValueError, struct.error):
        return False
    found = [(entry.kind, entry.count) for entry in entries if entry.tag == ORIENTATION]
    return len(entries) == directory.declared and found in ([], [(SHORT, 1)])
