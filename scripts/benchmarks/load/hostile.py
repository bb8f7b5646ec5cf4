"""Uploads that must be refused, each with its status, made from a good picture."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pillow_heif
from PIL import Image

from scripts.benchmarks.load.client import form


@dataclass(frozen=True, slots=True)
class Hostile:
    """A multipart body that must be answered with this status."""

    name: str
    body: bytes
    status: int


def hostile_uploads(picture: Image.Image) -> list[Hostile]:
    """Return one of each kind."""
    pillow_heif.register_heif_opener()
    photos = [*_no_pictures(), *_truncated(picture), *_bombs(), *_undecodable(picture)]
    uploads = [Hostile(name, form(photo), status) for name, photo, status in photos]
    whole = form(_encoded(picture, "JPEG"))
    return [
        *uploads,
        Hostile("empty file", form(b""), 422),
        Hostile("no field of that name", form(_encoded(picture, "JPEG"), "photo"), 422),
        Hostile("form without its end", whole[:-30], 422),
        Hostile("two files", whole.replace(b"--\r\n", b"\r\n", 1)[: -len(b"--\r\n")] + b"\r\n" + whole, 422),
        Hostile("no form at all", b"a body that is no form", 422),
    ]


def _encoded(picture: Image.Image, format: str) -> bytes:
    output = io.BytesIO()
    picture.save(output, format)
    return output.getvalue()


def _no_pictures() -> Iterator[tuple[str, bytes, int]]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("photo.jpg", b"not really")
    yield "zip", archive.getvalue(), 415
    yield "text", b"this is no picture", 415
    yield "HTML page", b"<!doctype html><html><img src='photo.jpg'></html>", 415
    yield "SVG", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415
    yield "PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(500), 415
    yield "zeros", bytes(5000), 415


def _truncated(picture: Image.Image) -> Iterator[tuple[str, bytes, int]]:
    for format in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF"):
        whole = _encoded(picture, format)
        yield f"half a {format}", whole[: len(whole) // 2], 422
        yield f"{format} but its last tenth", whole[: len(whole) * 9 // 10], 422


def _bombs() -> Iterator[tuple[str, bytes, int]]:
    yield "PNG bomb", _png(40_000, 40_000, zlib.compress(bytes(2_000_000), 9)), 413
    screen = b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x08\x01\x00\x00"
    yield "GIF bomb", screen + frame + b"\x3b", 413
    yield "WebP bomb", _webp(16_383, 16_383, bytes(20)), 413
    fields = [(256, 60_000), (257, 60_000), (258, 8), (259, 8), (262, 1), (273, 8), (277, 1), (278, 60_000), (279, 10)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
    yield "TIFF bomb", b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + bytes(40), 413
    header = struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0)
    yield "BMP bomb", b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header, 413


def _undecodable(picture: Image.Image) -> Iterator[tuple[str, bytes, int]]:
    """Yield files that are whole by their structure: only a decoder finds the fault."""
    yield "PNG of invalid data", _png(*picture.size, b"this does not inflate"), 422
    yield "PNG with too few rows", _png(*picture.size, zlib.compress(bytes(100))), 422
    yield "WebP of invalid data", _webp(*picture.size, b"\xff" * 100), 422
    jpeg = bytearray(_encoded(picture, "JPEG"))
    for table in (b"\xff\xc4", b"\xff\xdb"):
        while (at := jpeg.find(table)) >= 0:
            jpeg[at + 1] = 0xFE  # the tables become comments
    yield "JPEG without tables", bytes(jpeg), 422
    output = io.BytesIO()
    picture.save(output, "JPEG", progressive=True)
    progressive = output.getvalue()
    last = progressive.rindex(b"\xff\xda")
    yield "JPEG of hundreds of scans", progressive[:last] + progressive[last:-2] * 500 + progressive[-2:], 422


def _png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _webp(width: int, height: int, pixels: bytes) -> bytes:
    content = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + pixels
    chunk = b"VP8L" + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
