"""Files that show a picture once their EXIF orientation is honoured, in every place where EXIF may stand."""

import io
import struct
from collections.abc import Callable

import pillow_heif
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from tests.support.pictures import UNDO, encode, png_chunk

_PREFIX = b"Exif\0\0"
#: What turns the pixels that are stored with an orientation upright: a quarter turn takes the opposite one back.
TURNS = UNDO | {6: UNDO[8], 8: UNDO[6]}


def exif(orientation: int, order: str = "<", *, kind: int = 3, count: int = 1, entries: int = 1) -> bytes:
    """A block of EXIF with one entry, which may declare more entries than there are."""
    value = struct.pack(order + "HH", orientation, 0)
    entry = struct.pack(order + "HHI", 0x0112, kind, count) + value
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IH", 8, entries) + entry + bytes(4)


# What cameras and hostile clients write; that none of it turns a picture is what browsers do too.
DAMAGED = {
    "empty": b"",
    "garbage": b"this is no block of EXIF",
    "cut off": exif(6)[:12],
    "far away": b"II*\0\xff\xff\xff\x0f",
    "text for a number": exif(6, kind=2, count=2),
}
ENDLESS = exif(6, entries=65_535)


def stored(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera stores it that was held in this orientation."""
    return picture.transpose(UNDO[orientation]) if orientation in UNDO else picture


def jpeg(picture: Image.Image, *blocks: bytes) -> bytes:
    """A JPEG with these blocks of EXIF."""
    whole = encode(picture, "JPEG", quality=95)
    segments = [b"\xff\xe1" + struct.pack(">H", 2 + len(_PREFIX + block)) + _PREFIX + block for block in blocks]
    return whole[:2] + b"".join(segments) + whole[2:]


def png(picture: Image.Image, block: bytes, before: bytes = b"IDAT") -> bytes:
    """A PNG with this block of EXIF before a chunk."""
    whole = encode(picture, "PNG")
    at = whole.index(before) - 4
    return whole[:at] + png_chunk(b"eXIf", block) + whole[at:]


def webp(picture: Image.Image, block: bytes, *, padded: int = 0) -> bytes:
    """A lossless WebP with this block of EXIF behind an unknown chunk of so many bytes."""
    image = encode(picture, "WEBP", lossless=True)[12:]
    size = (picture.width - 1).to_bytes(3, "little") + (picture.height - 1).to_bytes(3, "little")
    chunks = _chunk(b"VP8X", b"\x08\0\0\0" + size) + image + _chunk(b"ABCD", bytes(padded)) + _chunk(b"EXIF", block)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _tiff(picture: Image.Image, orientation: int, *, big: bool = False) -> bytes:
    tags = ImageFileDirectory_v2()
    tags[0x0112] = orientation
    return encode(picture, "TIFF", tiffinfo=tags, big_tiff=big)


def _by_library(picture: Image.Image, orientation: int, format: str) -> bytes:
    pillow_heif.register_heif_opener()
    output = io.BytesIO()
    picture.save(output, format, exif=exif(orientation), quality=95)
    return output.getvalue()


def _animated_webp(picture: Image.Image, orientation: int) -> bytes:
    second = Image.new("RGB", picture.size)
    return encode(picture, "WEBP", save_all=True, append_images=[second], lossless=True, exif=exif(orientation))


# From a picture that is stored already, and its orientation.
_FILES: dict[str, Callable[[Image.Image, int], bytes]] = {
    "JPEG": lambda picture, turn: jpeg(picture, exif(turn)),
    "JPEG big-endian": lambda picture, turn: jpeg(picture, exif(turn, ">")),
    "JPEG with EXIF twice": lambda picture, turn: jpeg(picture, exif(turn), exif(1)),
    "PNG": lambda picture, turn: png(picture, exif(turn)),
    "PNG behind the pixels": lambda picture, turn: png(picture, exif(turn, ">"), b"IEND"),
    "PNG with JPEG's prefix": lambda picture, turn: png(picture, _PREFIX + exif(turn)),
    "WebP": lambda picture, turn: webp(picture, exif(turn)),
    "WebP behind an odd chunk": lambda picture, turn: webp(picture, exif(turn), padded=7),
    "WebP with JPEG's prefix": lambda picture, turn: webp(picture, _PREFIX + exif(turn, ">")),
    "WebP animated": _animated_webp,
    "TIFF": _tiff,
    "BigTIFF": lambda picture, turn: _tiff(picture, turn, big=True),
    "HEIF": lambda picture, turn: _by_library(picture, turn, "HEIF"),
    "AVIF": lambda picture, turn: _by_library(picture, turn, "AVIF"),
}
KINDS = tuple(_FILES)


def turned(picture: Image.Image, orientation: int, kind: str) -> bytes:
    """A file of one of `KINDS` that shows `picture` once its orientation (1 to 8) is honoured."""
    return _FILES[kind](stored(picture, orientation), orientation)
