"""HEIC, HEIF and AVIF (ISO/IEC 23008-12): the file type, the boxes, and the sizes of the pictures in them."""

import struct
from collections.abc import Iterator

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader

_AVIF = frozenset({b"avif", b"avis"})
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"})
_MAX_BOXES = 4096


def sniff(data: bytes) -> bool:
    """A file type box with a brand of still pictures, major or compatible."""
    return data[4:8] == b"ftyp" and bool(_brands(data) & (_AVIF | _HEIF))


def read(data: bytes) -> ImageHeader:
    """The largest picture that the file declares: thumbnails and tiles are smaller than the whole. Never native."""
    name = "AVIF" if _brands(data) & _AVIF else "HEIF"
    inside, has_data = True, False
    width = height = 0
    for kind, start, end in _boxes(data, 0, len(data)):
        inside = inside and end <= len(data)
        has_data = has_data or kind == b"mdat"
        if kind == b"meta":
            start += 4  # a full box: version and flags first
            has_data = has_data or any(kind == b"idat" for kind, _, _ in _boxes(data, start, min(end, len(data))))
            for size in _picture_sizes(data, start, min(end, len(data))):
                width, height = max((width, height), size, key=lambda pair: pair[0] * pair[1])
    complete = inside and has_data
    if not width and complete:
        raise BrokenImage(f"The {name} file declares no picture size. Send the original file.")
    return ImageHeader(name, width, height, complete, native=False)


def _brands(data: bytes) -> set[bytes]:
    length = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12]} | {data[at : at + 4] for at in range(16, length, 4)}


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box in a range; the last may end behind the range."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, content)
            content += 8
        elif length == 0:  # up to the end of the file
            length = end - start
        if length < content - start:
            raise BrokenImage("The file has a box of an impossible length. Send the original file.")
        yield kind, content, start + length
        start += length
    raise BrokenImage(f"The file has more than {_MAX_BOXES} boxes. Send the original file.")


def _picture_sizes(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    for kind, properties, properties_end in _boxes(data, start, end):
        if kind != b"iprp":
            continue
        for kind_inside, container, container_end in _boxes(data, properties, min(properties_end, end)):
            if kind_inside != b"ipco":
                continue
            for name, content, _ in _boxes(data, container, min(container_end, end)):
                if name == b"ispe":
                    width, height = struct.unpack_from(">II", data, content + 4)
                    yield width, height
