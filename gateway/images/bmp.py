"""BMP: the file header, and a bitmap header of one of its historic lengths."""

import struct

from gateway.images.header import ImageHeader

_CORE_HEADER = 12
_INFO_HEADERS = frozenset({40, 52, 56, 64, 108, 124})
_UNCOMPRESSED = 0


def sniff(data: bytes) -> bool:
    """The letters BM, and a bitmap header of a known length: two letters alone are too common."""
    return data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _INFO_HEADERS | {_CORE_HEADER}


def read(data: bytes) -> ImageHeader:
    """The size from the bitmap header. Run lengths, bit fields and 16 bits a pixel are not native."""
    (pixels_at, header_length) = struct.unpack_from("<II", data, 10)
    if header_length == _CORE_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = _UNCOMPRESSED
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    height = abs(height)  # negative: rows from the top down
    width = max(width, 0)
    row = (width * bits + 31) // 32 * 4
    complete = compression != _UNCOMPRESSED or pixels_at + row * height <= len(data)
    native = compression == _UNCOMPRESSED and bits != 16
    return ImageHeader("BMP", width, height, complete, native)
