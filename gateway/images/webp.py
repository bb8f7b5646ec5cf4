"""WebP (RFC 9649): the RIFF container and the sizes of the canvas and of the frames in it.

A reader of its own: Pillow reports neither whether a file is cut off nor the size of a frame behind a small canvas.
"""

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader

_MAX_CHUNKS = 65_536
_EXIF_FLAG, _ALPHA_FLAG = 0x08, 0x10


def sniff(data: bytes) -> bool:
    """Return whether it is a RIFF container of the WEBP kind."""
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def read(data: bytes) -> ImageHeader:
    """Read the largest of canvas and frame sizes, so that a small canvas cannot hide a huge frame.

    Files that have or announce EXIF or alpha are not native: DALI does not find EXIF behind a chunk of odd length, and
    drops alpha.
    """
    end = 8 + int.from_bytes(data[4:8], "little")
    width = height = 0
    native = True
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > min(end, len(data)):
            break
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        native = native and _is_native(kind, data[position + 8 : position + 8 + 5])
        frame_width, frame_height = _size(kind, data[position + 8 : position + 8 + 40])
        if frame_width * frame_height > width * height:
            width, height = frame_width, frame_height
        position += 8 + length + length % 2
    else:
        raise BrokenImage(f"The WebP file has more than {_MAX_CHUNKS} chunks. Save it again with a common program.")
    return ImageHeader("WebP", width, height, data, end <= len(data) and position <= end + 1, native)


def _is_native(kind: bytes, start: bytes) -> bool:
    if kind == b"VP8X":
        return not start[0] & (_EXIF_FLAG | _ALPHA_FLAG)
    if kind == b"VP8L":
        return not start[4] & _ALPHA_FLAG
    return kind not in (b"EXIF", b"ALPH")


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"ANMF":  # frame position, width and height, duration and flags, then the frame's own chunks
        canvas = 1 + int.from_bytes(body[6:9], "little"), 1 + int.from_bytes(body[9:12], "little")
        inner = _size(body[16:20], body[24:]) if body[16:20] in (b"VP8 ", b"VP8L") else (0, 0)
        return max(canvas, inner, key=lambda size: size[0] * size[1])
    return 0, 0
