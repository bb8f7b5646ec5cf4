"""PNG (W3C, third edition): the header chunk, and the chain of chunks up to the end chunk.

A reader of its own: Pillow inflates texts and profiles while it opens a file, and stops where they are large.
"""

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 65_536
_ALPHA = 4  # a bit of the colour type
# Texts, colour profiles and the later frames of animations.
_NEEDLESS = frozenset((b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"acTL", b"fcTL", b"fdAT"))
# DALI drops alpha, and a damaged eXIf chunk ends its process.
_NOT_NATIVE = frozenset((b"eXIf", b"tRNS"))


def sniff(data: bytes) -> bool:
    """Return whether the signature's eight bytes are there."""
    return data.startswith(_SIGNATURE)


def read(data: bytes) -> ImageHeader:
    """Read the size from IHDR, and leave out the chunks that the picture does not need.

    EXIF and transparency are not native. DALI scales sixteen bits a channel to eight, rounding.
    """
    if data[12:16] != b"IHDR":
        raise BrokenImage("The PNG file does not start with its header chunk. Send the original file.")
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    pieces: list[bytes] = []
    kinds: set[bytes] = set()
    start = position = len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        kind = data[position + 4 : position + 8]
        # Length, kind and checksum stand around the data.
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if end > len(data):
            # Pillow says whether all pixels are there; nothing behind them is needed.
            return ImageHeader("PNG", width, height, data, complete=b"IDAT" in kinds | {kind}, native=False)
        if kind == b"IHDR" and kinds:
            raise BrokenImage("The PNG file contradicts itself about its size. Send the original file.")
        if kind in _NEEDLESS:
            pieces.append(data[start:position])
            start = end
        kinds.add(kind)
        position = end
        if kind == b"IEND":
            content = b"".join((_SIGNATURE, *pieces, data[start:end])) if pieces else data
            native = kinds.isdisjoint(_NOT_NATIVE) and not data[25] & _ALPHA
            return ImageHeader("PNG", width, height, content, native=native)
    raise BrokenImage(f"The PNG file has more than {_MAX_CHUNKS} chunks. Save it again with a common program.")
