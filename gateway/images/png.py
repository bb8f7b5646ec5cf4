"""PNG (W3C, third edition): the header chunk, and the chain of chunks up to the end chunk."""

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 65_536


def sniff(data: bytes) -> bool:
    """The eight bytes of the signature."""
    return data.startswith(_SIGNATURE)


def read(data: bytes) -> ImageHeader:
    """The size from IHDR. Every kind is native; DALI scales sixteen bits a channel to eight, rounding."""
    if data[12:16] != b"IHDR":
        raise BrokenImage("The PNG file does not start with its header chunk. Send the original file.")
    width = int.from_bytes(data[16:20], "big")
    height = int.from_bytes(data[20:24], "big")
    return ImageHeader("PNG", width, height, _reaches_end(data))


def _reaches_end(data: bytes) -> bool:
    position = len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        kind = data[position + 4 : position + 8]
        position += 12 + int.from_bytes(
            data[position : position + 4], "big"
        )  # length, type and checksum around the data
        if position > len(data):
            return False
        if kind == b"IEND":
            return True
    raise BrokenImage(f"The PNG file has more than {_MAX_CHUNKS} chunks. Save it again with a common program.")
