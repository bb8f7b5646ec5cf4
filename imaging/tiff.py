"""TIFF (6.0, and BigTIFF): the first directory of a file, or of a block of EXIF, by its entries alone.

A reader of its own: Pillow makes objects of all values of a tag, which may be half a kilobyte for eight bytes.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SHORT = 3
ORIENTATION = 0x0112
_MARKS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
_MOST_ENTRIES = 65_535
# Whole numbers of one, two, four and eight bytes, without and with a sign.
_NUMBERS = {1: "B", SHORT: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry of a directory says, and where it stands.

    Attributes:
        tag: what it is about.
        kind: the type of its values, as TIFF counts types.
        count: how many there are.
        number: its value, where that is a single whole number.
        position: of its first byte.
    """

    tag: int
    kind: int
    count: int
    number: int | None
    position: int


class Directory:
    """The first directory.

    Attributes:
        order: of its bytes, as `struct` writes it.
        declared: how many entries it says to have.
    """

    def __init__(self, data: bytes) -> None:
        """Read how many entries there are.

        Args:
            data: a file or a block.

        Raises:
            ValueError: it is none.
            struct.error: it ends before its first entry.
        """
        if data[:4] not in _MARKS:
            raise ValueError("no TIFF")
        self._data = data
        self._big = b"+" in data[2:4]
        self.order = _MARKS[data[:4]]
        (at,) = struct.unpack_from(self.order + ("Q" if self._big else "I"), data, 8 if self._big else 4)
        if at > len(data):
            raise ValueError("no directory")
        (self.declared,) = struct.unpack_from(self.order + ("Q" if self._big else "H"), data, at)
        self._start = at + (8 if self._big else 2)

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries that lie in the data as a whole."""
        form = struct.Struct(self.order + ("HHQ8s" if self._big else "HHI4s"))
        whole = (len(self._data) - self._start) // form.size
        for position in range(
            self._start, self._start + form.size * min(self.declared, whole, _MOST_ENTRIES), form.size
        ):
            tag, kind, count, value = form.unpack_from(self._data, position)
            number = None
            if count == 1 and kind in _NUMBERS and (self._big or kind < 16):
                (number,) = struct.unpack_from(self.order + _NUMBERS[kind], value)
            yield Entry(tag, kind, count, number, position)


def orientation_of(block: bytes) -> int | None:
    """Return the orientation that a block of EXIF says first, as browsers read it; None where it says none.

    Args:
        block: with or without JPEG's prefix.
    """
    try:
        found = next((entry for entry in Directory(_without_prefix(block)) if entry.tag == ORIENTATION), None)
    except (ValueError, struct.error):
        return None
    return found.number if found and found.kind == SHORT else None


def _without_prefix(block: bytes) -> bytes:
    return block.removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0")
