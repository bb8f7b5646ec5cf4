"""Pictures that tests draw, in every format and variant that a phone, a browser or a scanner may send."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageDraw, ImageOps


def bottle(width: int = 320, height: int = 240) -> Image.Image:
    """A drawing of a bottle before a wall: large forms and soft colours, so that resizing hardly changes it."""
    picture = Image.new("RGB", (width, height), (196, 188, 172))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height * 2 // 3, width, height), fill=(120, 104, 88))
    draw.rounded_rectangle(
        (width * 2 // 5, height // 4, width * 3 // 5, height * 9 // 10), width // 16, fill=(44, 110, 60)
    )
    draw.rectangle((width * 9 // 20, height // 12, width * 11 // 20, height // 4 + 4), fill=(52, 128, 70))
    return picture


def encode(picture: Image.Image, format: str, **options: Any) -> bytes:
    """The picture as a file of Pillow's format name; HEIF included."""
    pillow_heif.register_heif_opener()
    output = io.BytesIO()
    picture.save(output, format, **options)
    return output.getvalue()


#: What brings a picture into the position from which an EXIF orientation turns it upright.
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def with_orientation(picture: Image.Image, orientation: int, format: str = "JPEG") -> bytes:
    """A file that shows `picture` once its EXIF orientation (1 to 8) is honoured."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture.transpose(UNDO[orientation]) if orientation in UNDO else picture
    # A lossy file of a turned picture is another picture: WebP keeps every pixel, JPEG nearly.
    precise: dict[str, dict[str, int]] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}
    return encode(stored, format, exif=exif.tobytes(), **precise.get(format, {}))


def without_adobe(jpeg: bytes) -> bytes:
    """The JPEG less its APP14 segment, in which Adobe's programs say how the components are meant."""
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


def cut_out(picture: Image.Image, hidden: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    """The bottle with transparent surroundings over a colour that nobody may see, and a half transparent neck."""
    mask = Image.new("L", picture.size)
    width, height = picture.size
    mask.paste(255, (width * 2 // 5, height // 4, width * 3 // 5, height * 9 // 10))
    mask.paste(128, (width * 9 // 20, height // 12, width * 11 // 20, height // 4))
    layer = Image.composite(
        picture, Image.new("RGB", picture.size, hidden), mask.point(lambda value: 255 * (value > 0))
    )
    layer.putalpha(mask)
    return layer


def png_sixteen_bits(picture: Image.Image, *, grey: bool = False) -> bytes:
    """A PNG of sixteen bits a channel, which Pillow cannot write in colour."""
    values = np.asarray(picture.convert("L" if grey else "RGB")).astype(">u2") * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    size = struct.pack(">IIBBBBB", picture.width, picture.height, 16, 0 if grey else 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", size)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Length, kind, content and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bmp_of(width: int, height: int, bits: int, pixels: bytes, *, compression: int = 0, palette: bytes = b"") -> bytes:
    """A BMP of the variants that Pillow reads but does not write."""
    start = 54 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + palette + pixels


def _animation(picture: Image.Image, format: str) -> bytes:
    return encode(picture, format, save_all=True, append_images=[ImageOps.invert(picture)], duration=100, lossless=True)


LOSSLESS: dict[str, Callable[[Image.Image], bytes]] = {
    "PNG": lambda picture: encode(picture, "PNG"),
    "PNG with alpha": lambda picture: encode(picture.convert("RGBA"), "PNG"),
    "PNG of 16 bits": png_sixteen_bits,
    "WebP lossless": lambda picture: encode(picture, "WEBP", lossless=True),
    "WebP animated": lambda picture: _animation(picture, "WEBP"),
    "BMP": lambda picture: encode(picture, "BMP"),
    "BMP with alpha": lambda picture: encode(picture.convert("RGBA"), "BMP"),
    "TIFF": lambda picture: encode(picture, "TIFF"),
    "TIFF LZW": lambda picture: encode(picture, "TIFF", compression="tiff_lzw"),
    "TIFF with alpha": lambda picture: encode(picture.convert("RGBA"), "TIFF"),
    "GIF": lambda picture: encode(picture, "GIF"),
    "GIF animated": lambda picture: _animation(picture, "GIF"),
    "AVIF lossless": lambda picture: encode(picture, "AVIF", quality=100, subsampling="4:4:4"),
    "HEIC lossless": lambda picture: encode(picture, "HEIF", quality=-1, chroma=444),
}
LOSSY: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG": lambda picture: encode(picture, "JPEG", quality=90),
    "JPEG progressive": lambda picture: encode(picture, "JPEG", quality=90, progressive=True),
    "JPEG CMYK": lambda picture: encode(picture.convert("CMYK"), "JPEG", quality=90),
    "WebP": lambda picture: encode(picture, "WEBP", quality=90),
    "WebP with alpha": lambda picture: encode(picture.convert("RGBA"), "WEBP", quality=90),
    "TIFF JPEG": lambda picture: encode(picture, "TIFF", compression="jpeg", quality=90),
    "PNG with a palette": lambda picture: encode(picture.quantize(128), "PNG"),
    "BMP with a palette": lambda picture: encode(picture.quantize(128), "BMP"),
    "TIFF CMYK": lambda picture: encode(picture.convert("CMYK"), "TIFF"),
    "AVIF": lambda picture: encode(picture, "AVIF", quality=90),
    "HEIC": lambda picture: encode(picture, "HEIF", quality=90),
}
GREY: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG grey": lambda picture: encode(picture.convert("L"), "JPEG", quality=90),
    "PNG grey": lambda picture: encode(picture.convert("L"), "PNG"),
    "PNG grey of 16 bits": lambda picture: png_sixteen_bits(picture, grey=True),
    "PNG grey with alpha": lambda picture: encode(picture.convert("LA"), "PNG"),
    "TIFF grey": lambda picture: encode(picture.convert("L"), "TIFF"),
    "BMP grey": lambda picture: encode(picture.convert("L"), "BMP"),
}
ALL = LOSSLESS | LOSSY | GREY
