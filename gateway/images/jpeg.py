"""JPEG (ITU-T T.81): the segments up to the first scan, and the end marker behind it."""

from gateway.errors import BrokenImage
from gateway.images import exif
from gateway.images.header import ImageHeader

_MAX_SEGMENTS = 4096
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NATIVE_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended sequential and progressive, Huffman-coded
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_SCAN, _END = 0xDA, b"\xff\xd9"
_APP1, _EXIF = 0xE1, b"Exif\0\0"


def sniff(data: bytes) -> bool:
    """Start of image, followed by a marker."""
    return data.startswith(b"\xff\xd8\xff")


def read(data: bytes) -> ImageHeader:
    """The size from the frame header.

    Arithmetic coding, lossless and 12-bit files are not native, nor is EXIF that is damaged or there twice.
    """
    frame: tuple[int, int, bool] | None = None
    exif_blocks: list[bytes] = []
    position = 2
    for _ in range(_MAX_SEGMENTS):
        if data[position] != 0xFF:
            raise BrokenImage("The JPEG file has no marker where one must be. Send the original file.")
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker in _STANDALONE:
            position += 2
        elif marker == _SCAN:
            if frame is None:
                raise BrokenImage("The JPEG file has no frame header. Send the original file.")
            width, height, native = frame
            # Cameras append previews and films: the end marker need not be the last thing in the file.
            native = native and len(exif_blocks) <= 1 and all(map(exif.is_plain, exif_blocks))
            return ImageHeader("JPEG", width, height, data.rfind(_END, position) > 0, native)
        else:
            if marker in _FRAMES:
                precision = data[position + 4]
                height = int.from_bytes(data[position + 5 : position + 7], "big")
                width = int.from_bytes(data[position + 7 : position + 9], "big")
                frame = (width, height, marker in _NATIVE_FRAMES and precision == 8)
            end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
            if marker == _APP1 and data.startswith(_EXIF, position + 4):
                exif_blocks.append(data[position + 4 + len(_EXIF) : end])
            position = end
    raise BrokenImage("The JPEG file has no picture within its first segments. Send the original file.")
