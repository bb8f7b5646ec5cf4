"""PNG (W3C, third edition): the header chunk, and the chain of chunks up to the end chunk."""

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 65_536
# A damaged eXIf chunk ends the process that DALI runs in, and of an animation it may show another picture.
_NOT_NATIVE = frozenset((b"eXIf", b"acTL", b"fcTL", b"fdAT"))


def sniff(data: bytes) -> bool:
    """The eight bytes of the signature."""
    return data.startswith(_SIGNATURE)


def read(data: bytes) -> ImageHeader:
    """The size from IHDR. Animations and EXIF are not native. DALI scales sixteen bits a channel to eight, rounding."""
    if data[12:16] != b"IHDR":
        raise BrokenImage("The PNG file does not start with its header chunk. Send the original file.")
    width = int.from_bytes(data[16:20], "big")
    height = int.from_bytes(data[20:24], "big")
    kinds, complete = _chunks(data)
    return ImageHeader("PNG", width, height, complete, native=kinds.isdisjoint(_NOT_NATIVE))


def _chunks(data: bytes) -> tuple[set[bytes], bool]:
    """The kinds of chunks, and whether their chain reaches the end chunk."""
    position = len(_SIGNATURE)
    kinds: set[bytes] = set()
    for _ in range(_MAX_CHUNKS):
        kind = data[position + 4 : position + 8]
        kinds.add(kind)
        # Length, kind and checksum stand around the data.
        position += 12 + int.from_bytes(data[position : position + 4], "big")
        if position > len(data):
            return kinds, False
        if kind == b"IEND":
            return kinds, True
    raise BrokenImage(f"The PNG file has more than {_MAX_CHUNKS} chunks. Save it again with a common program.")
