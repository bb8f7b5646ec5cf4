"""HEIF and AVIF (ISO/IEC 23008-12): the sizes that their boxes, and AV1's coded data, declare.

A reader of its own: decoders refuse a file of a gigantic size without reporting it, and report no tile.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from gateway.errors import BrokenImage
from gateway.images import av1

_MOST = 65_536  # boxes, references, associations, extents, coded units and their numbers together
# Pixels of all tiles, against those of the picture: tiles stick out of it, and its transparency has some too.
_MOST_TILES, _SPARE_PIXELS = 3, 16_000_000
_WIDE = 1  # a flag of ipma: two bytes for each index of a property
_MADE_OF, _BELONGS_TO = b"dimg", b"auxl"
_FULL = 4  # bytes of version and flags
_TRACK_SIZE = 8  # bytes at the end of a track's header: width and height in 16.16


def declared_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height of the largest picture that is decoded to show the primary one.

    Those are the primary picture itself, the tiles that it is made of, and their transparency. Of a sequence it may be
    the largest track. libheif holds to what the boxes say, but libavif decodes whatever is coded.

    Returns:
        Pixels, or None where no box says it.

    Raises:
        BrokenImage: there are too many boxes, parts that overlap, or tiles that are used twice or cannot all be seen.
        IndexError: a box says less than it has to.
    """
    reader = _Reader(data)
    size = max(reader.sizes(), key=lambda size: size[0] * size[1], default=None)
    if size and reader.tile_pixels > _MOST_TILES * size[0] * size[1] + _SPARE_PIXELS:
        raise _broken("The tiles of the file are larger than its picture.")
    return size


class _Reader:
    """Reads a file's boxes, a bounded number of them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _MOST
        self._bytes_left = 2 * len(data)  # a picture may be an item and the first of a track
        self.tile_pixels = 0  # that sizes() has met

    def sizes(self) -> list[tuple[int, int]]:
        """Return the sizes of the primary picture, of what it needs, and of the tracks."""
        sizes: list[tuple[int, int]] = []
        for kind, start, end in self._boxes(0, len(self._data)):
            if kind == b"meta":
                sizes += self._item_sizes(start + _FULL, end)
            elif kind == b"moov":
                sizes += self._track_sizes(start, end)
        return sizes

    def _boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield the kind of each box, and where its content starts and ends."""
        while start + 8 <= end:
            self._count()
            length, head = self._number(start, 4), 8
            if length == 1:
                length, head = self._number(start + 8, 8), 16
            stop = start + length if length else end
            if stop < start + head:
                return
            yield self._data[start + 4 : start + 8], start + head, min(stop, end)
            start = stop

    def _track_sizes(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for kind, track_start, track_end in self._boxes(start, end):
            for child, at, stop in self._boxes(track_start, track_end) if kind == b"trak" else ():
                if child == b"tkhd":
                    yield self._number(stop - _TRACK_SIZE, 2), self._number(stop - _TRACK_SIZE // 2, 2)
                elif child == b"mdia":
                    yield from av1.frame_sizes(self._first_sample(at, stop), self._count)

    def _first_sample(self, start: int, end: int) -> bytes:
        """Return the coded data of a track's first picture."""
        tables = {b"mdia": (start, end)}
        for parent in (b"mdia", b"minf", b"stbl"):
            tables |= {kind: (at, stop) for kind, at, stop in self._boxes(*tables.get(parent, (0, 0)))}
        if b"stsz" not in tables or not tables.keys() & {b"stco", b"co64"}:
            return b""
        at, _ = tables[b"stsz"]
        length = self._number(at + _FULL, 4) or self._number(at + _FULL + 8, 4)
        offset_width = 8 if b"co64" in tables else 4
        at, _ = tables[b"co64" if b"co64" in tables else b"stco"]
        return self._part(self._number(at + _FULL + 4, offset_width), length)

    def _item_sizes(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        boxes = {kind: (at, stop) for kind, at, stop in self._boxes(start, end)}
        if b"pitm" not in boxes or b"iprp" not in boxes:
            return
        at, _ = boxes[b"pitm"]
        needed, tiles = self._needed(self._number(at + _FULL, 4 if self._data[at] else 2), boxes.get(b"iref"))
        properties: list[tuple[int, int] | None] = []
        associations: list[tuple[int, int]] = []
        has_av1 = False
        for kind, at, stop in self._boxes(*boxes[b"iprp"]):
            if kind == b"ipco":
                for child, each, _ in self._boxes(at, stop):
                    has_av1 |= child == b"av1C"
                    is_size = child == b"ispe"
                    width, height = (self._number(each + at, 4) if is_size else 0 for at in (_FULL, _FULL + 4))
                    properties.append((width, height) if is_size else None)
            elif kind == b"ipma":
                associations += self._associations(at)
        for item, index in associations:
            if item in needed and 0 < index <= len(properties) and (size := properties[index - 1]):
                self.tile_pixels += size[0] * size[1] if item in tiles else 0
                yield size
        if has_av1 and b"iloc" in boxes:
            for content in self._items(boxes[b"iloc"][0], boxes.get(b"idat", (0, 0))[0], needed):
                yield from av1.frame_sizes(content, self._count)

    def _needed(self, primary: int, references: tuple[int, int] | None) -> tuple[set[int], set[int]]:
        """Return the primary picture, the pictures that it is made of, and those that belong to one of them.

        Returns:
            All of them, and the tiles among them.

        Raises:
            BrokenImage: a tile is used twice; libheif would decode it as often.
        """
        made_of: dict[int, list[int]] = defaultdict(list)
        belonging: dict[int, list[int]] = defaultdict(list)
        if references is not None:
            for kind, source, target in self._references(*references):
                if kind == _MADE_OF:
                    made_of[source].append(target)
                elif kind == _BELONGS_TO:
                    belonging[target].append(source)
        needed, rest = set[int](), [primary]
        while rest:
            item = rest.pop()
            if item not in needed:
                needed.add(item)
                rest += made_of[item] + belonging[item]
        tiles = Counter(tile for item in needed for tile in made_of[item])
        if max(tiles.values(), default=1) > 1:
            raise _broken("The file uses a tile twice.")
        return needed, set(tiles)

    def _references(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield kind, source and target of each reference between items."""
        width = 4 if self._data[start] else 2
        for kind, at, stop in self._boxes(start + _FULL, end):
            source = self._number(at, width)
            for each in range(at + width + 2, stop, width):
                self._count()
                yield kind, source, self._number(each, width)

    def _associations(self, start: int) -> Iterator[tuple[int, int]]:
        """Yield item and property, counted from one, of each association."""
        id_width = 4 if self._data[start] else 2
        index_width, index = (2, 0x7FFF) if self._data[start + 3] & _WIDE else (1, 0x7F)  # the rest: whether essential
        at = start + _FULL + 4
        for _ in range(self._number(start + _FULL, 4)):
            self._count()
            item, count = self._number(at, id_width), self._number(at + id_width, 1)
            at += id_width + 1
            for _ in range(count):
                self._count()
                yield item, self._number(at, index_width) & index
                at += index_width

    def _items(self, start: int, inner: int, needed: set[int]) -> Iterator[bytes]:
        """Yield the coded data of the needed items.

        Args:
            start: where the box of their locations starts.
            inner: where the data starts that lie among the boxes.
            needed: the items.
        """
        version, sizes = self._data[start], self._number(start + _FULL, 2)
        offset_width, length_width, base_width = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        index_width = sizes & 15 if version else 0
        id_width = 4 if version > 1 else 2
        at = start + _FULL + 2
        count, at = self._number(at, id_width), at + id_width
        for _ in range(count):
            item, at = self._number(at, id_width), at + id_width
            is_inner = False
            if version:
                is_inner, at = self._number(at, 2) & 15 == 1, at + 2
            at += 2  # the file that it lies in, always this one
            base, at = self._number(at, base_width), at + base_width
            extents, at = self._number(at, 2), at + 2
            parts = []
            for _ in range(extents):
                self._count()
                at += index_width
                offset, at = base + self._number(at, offset_width), at + offset_width
                length, at = self._number(at, length_width), at + length_width
                if item in needed:
                    parts.append(self._part(offset + (inner if is_inner else 0), length))
            self._count()
            yield b"".join(parts)

    def _part(self, start: int, length: int) -> bytes:
        part = self._data[start : start + length] if length else self._data[start:]
        self._bytes_left -= len(part)
        if self._bytes_left < 0:
            raise _broken("The parts of the file overlap.")
        return part

    def _number(self, start: int, width: int) -> int:
        if start + width > len(self._data):
            raise IndexError
        return int.from_bytes(self._data[start : start + width], "big")

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _broken(f"The file has more than {_MOST} boxes.")


def _broken(what: str) -> BrokenImage:
    return BrokenImage(f"{what} Save it again with a common program.")
