"""JPEG (ITU-T T.81): the segments up to the first scan, the number of scans, and the end marker behind them."""

import re

from gateway.errors import BrokenImage
from gateway.images import exif
from gateway.images.header import ImageHeader

_MAX_SEGMENTS = 4096
_MAX_SCANS = 32
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = 0xC2
_NATIVE_FRAMES = frozenset({0xC0, 0xC1, _PROGRESSIVE})  # baseline, extended sequential and progressive, Huffman-coded
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_SCAN, _END = 0xDA, b"\xff\xd9"
_APP1, _EXIF = 0xE1, b"Exif\0\0"
# Within a scan an FF is followed by a zero or a restart marker; whatever else follows it ends the scan.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def sniff(data: bytes) -> bool:
    """Start of image, followed by a marker."""
    return data.startswith(b"\xff\xd8\xff")


def read(data: bytes) -> ImageHeader:
    """The size from the frame header.

    Arithmetic coding, lossless and 12-bit files are not native, nor is EXIF that is damaged or there twice.
    """
    frame: bytes | None = None
    kind = 0
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
            native = kind in _NATIVE_FRAMES and frame[0] == 8
            native = native and len(exif_blocks) <= 1 and all(map(exif.is_plain, exif_blocks))
            if kind == _PROGRESSIVE or data[position + 4] < frame[5]:  # not all components in the first scan
                _check_scans(data, position)
            height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
            # Cameras append previews and films: the end marker need not be the last thing in the file.
            return ImageHeader("JPEG", width, height, data.rfind(_END, position) > 0, native)
        else:
            end = _segment_end(data, position)
            if marker in _FRAMES:
                # Sample precision, height, width, and the number of components.
                kind, frame = marker, data[position + 4 : position + 10]
            elif marker == _APP1 and data.startswith(_EXIF, position + 4):
                exif_blocks.append(data[position + 4 + len(_EXIF) : end])
            position = end
    raise BrokenImage("The JPEG file has no picture within its first segments. Send the original file.")


def _segment_end(data: bytes, position: int) -> int:
    return position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")


def _check_scans(data: bytes, position: int) -> None:
    """Each scan goes over the whole picture again, however short it is. Encoders write twenty at most."""
    scans = 0
    for _ in range(_MAX_SEGMENTS):
        if data[position + 1 : position + 2] == bytes([_SCAN]):
            scans += 1
            if scans > _MAX_SCANS:
                raise BrokenImage(
                    f"The JPEG file has more than {_MAX_SCANS} scans. Save it again with a common program."
                )
        found = _SCAN_END.search(data, _segment_end(data, position))
        if found is None or found[0] == _END:
            return
        position = found.start()
    raise BrokenImage("The JPEG file has too many segments. Save it again with a common program.")
