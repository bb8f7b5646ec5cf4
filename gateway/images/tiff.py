"""TIFF 6.0 and BigTIFF: the first image file directory, and whether its strips or tiles lie inside the file."""

import struct
from typing import NamedTuple

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _STRIP_BYTES, _PLANES = 273, 274, 277, 279, 284
_TILE_OFFSETS, _TILE_BYTES, _SAMPLE_FORMAT = 324, 325, 339
_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}  # the unsigned integers among the field types
_BYTES = {2: 1, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 17: 8, 18: 8}  # the lengths of all others
_READ = frozenset(
    (_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _STRIP_BYTES, _PLANES,
     _TILE_OFFSETS, _TILE_BYTES, _SAMPLE_FORMAT)
)  # fmt: skip
_MAX_ENTRIES, _MAX_VALUES = 4096, 262_144
_NATIVE_COMPRESSIONS = frozenset({1, 5, 8, 32773, 32946})  # none, LZW, deflate, PackBits, old deflate
_BLACK_IS_ZERO, _RGB = 1, 2


class _Layout(NamedTuple):
    """How a directory is stored: byte order, and the formats of its length, of an entry and of an offset."""

    order: str
    length: str
    entry: str
    offset: str


def sniff(data: bytes) -> bool:
    """Byte order and version; 43 is BigTIFF."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(data: bytes) -> ImageHeader:
    """The size from the first directory. Native are grey and RGB of 8 or 16 bits in common lossless compressions."""
    order = "<" if data[:2] == b"II" else ">"
    if b"+" in data[2:4]:
        layout = _Layout(order, "Q", "HHQ", "Q")
        (at,) = struct.unpack_from(order + "Q", data, 8)
    else:
        layout = _Layout(order, "H", "HHI", "I")
        (at,) = struct.unpack_from(order + "I", data, 4)
    if at >= len(data):
        return _cut_off()
    fields, fields_end = _directory(data, at, layout)
    width, height = fields.get(_WIDTH, (0,))[0], fields.get(_HEIGHT, (0,))[0]
    offsets = fields.get(_STRIP_OFFSETS) or fields.get(_TILE_OFFSETS) or ()
    lengths = fields.get(_STRIP_BYTES) or fields.get(_TILE_BYTES) or ()
    if not offsets:
        raise BrokenImage("The TIFF file has no picture data. Send the original file.")
    end = max(offset + length for offset, length in zip(offsets, lengths, strict=False)) if lengths else max(offsets)
    return ImageHeader("TIFF", width, height, max(end, fields_end) <= len(data), _is_native(fields))


def _cut_off() -> ImageHeader:
    # The directory often stands behind the picture: where the file is cut off before it, no size is known.
    return ImageHeader("TIFF", 1, 1, complete=False)


def _directory(data: bytes, at: int, layout: _Layout) -> tuple[dict[int, tuple[int, ...]], int]:
    """The needed fields of a directory by tag, and where the last value ends that does not fit into its entry."""
    (entries,) = struct.unpack_from(layout.order + layout.length, data, at)
    if entries > _MAX_ENTRIES:
        raise BrokenImage("The TIFF file has too many fields. Save it again with a common program.")
    at += struct.calcsize("=" + layout.length)
    inline = struct.calcsize("=" + layout.offset)
    fields: dict[int, tuple[int, ...]] = {}
    end = values = 0
    for _ in range(entries):
        tag, kind, count = struct.unpack_from(layout.order + layout.entry, data, at)
        where = at + struct.calcsize("=" + layout.entry)
        at = where + inline
        length = count * (struct.calcsize("=" + _TYPES[kind]) if kind in _TYPES else _BYTES.get(kind, 0))
        if length > inline:
            (where,) = struct.unpack_from(layout.order + layout.offset, data, where)
            end = max(end, where + length)
        if tag in _READ and kind in _TYPES:
            values += count
            if values > _MAX_VALUES:
                raise BrokenImage("The TIFF file has too many strips. Save it again with a common program.")
            fields[tag] = struct.unpack_from(f"{layout.order}{count}{_TYPES[kind]}", data, where)
    return fields, end


def _is_native(fields: dict[int, tuple[int, ...]]) -> bool:
    samples = fields.get(_SAMPLES, (1,))[0]
    photometric = fields.get(_PHOTOMETRIC, (0,))[0]
    return (
        (samples, photometric) in ((1, _BLACK_IS_ZERO), (3, _RGB))
        and set(fields.get(_BITS, (1,))) in ({8}, {16})
        and set(fields.get(_SAMPLE_FORMAT, (1,))) == {1}
        and len(fields.get(_ORIENTATION, (1,))) == 1
        and fields.get(_COMPRESSION, (1,))[0] in _NATIVE_COMPRESSIONS
        and fields.get(_PLANES, (1,))[0] == 1
        and _TILE_OFFSETS not in fields
    )
