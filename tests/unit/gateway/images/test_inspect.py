"""Headers and structure of every accepted format, whole and damaged."""

import pytest

from gateway.errors import BrokenImage, ImageTooLarge, UnsupportedFormat
from gateway.images.inspect import ACCEPTED, inspect
from tests.support.pictures import ALL, bmp_of, bottle, encode, png_chunk

LIMIT = 50_000_000
PICTURE = bottle(128, 64)
FILES = {name: write(PICTURE) for name, write in ALL.items()}
CONVERTED = {"BMP of 5 bits", "TIFF with alpha", "TIFF JPEG", "TIFF CMYK"}


@pytest.mark.parametrize("name", FILES)
def test_size_is_read_from_the_header(name: str) -> None:
    header = inspect(FILES[name], LIMIT)
    assert (header.width, header.height) == (128, 64)
    assert header.format == {"HEIC": "HEIF"}.get(name.split()[0], name.split()[0])
    assert header.native == (header.format not in ("GIF", "HEIF", "AVIF") and name not in CONVERTED)
    assert header.decoded_bytes == 128 * 64 * (3 if header.native else 12)


@pytest.mark.parametrize("name", FILES)
def test_no_prefix_of_a_file_passes(name: str) -> None:
    content = FILES[name]
    for length in sorted({*range(40, min(len(content), 400)), *(len(content) * part // 23 for part in range(3, 23))}):
        with pytest.raises((BrokenImage, UnsupportedFormat)):
            inspect(content[:length], LIMIT)
    # From where the format shows, it is a broken file of that format and no longer an unknown one.
    with pytest.raises(BrokenImage):
        inspect(content[: len(content) * 9 // 10], LIMIT)


@pytest.mark.parametrize("name", FILES)
def test_pixel_limit_holds_for_whole_and_cut_files(name: str) -> None:
    inspect(FILES[name], 128 * 64)
    with pytest.raises(ImageTooLarge, match="128 x 64"):
        inspect(FILES[name], 128 * 64 - 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"<html><body>hello</body></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>',
        b"PK\x03\x04" + bytes(100),
        b"%PDF-1.7\n" + bytes(100),
        b"BM are the first letters of a text that is no picture at all",
        bytes(1000),
        encode(PICTURE.resize((32, 32)), "ICO"),
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100),
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
    ],
)
def test_everything_else_is_no_accepted_format(content: bytes) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        inspect(content, LIMIT)
    assert all(name in str(caught.value) for name in ACCEPTED)


def test_a_picture_with_a_zip_behind_it_is_a_picture() -> None:
    for name in ("JPEG", "PNG", "WebP", "BMP", "TIFF", "GIF"):
        header = inspect(FILES[name] + b"PK\x03\x04 a zip archive", LIMIT)
        assert (header.width, header.height) == (128, 64)


def test_small_webp_canvas_does_not_hide_a_huge_frame() -> None:
    frame = b"\x9d\x01\x2a".join([bytes(3), (16383).to_bytes(2, "little") * 2]) + bytes(10)
    chunks = b"VP8X" + (10).to_bytes(4, "little") + bytes(10) + b"VP8 " + len(frame).to_bytes(4, "little") + frame
    content = b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks
    with pytest.raises(ImageTooLarge, match="16383 x 16383"):
        inspect(content, LIMIT)


def test_small_gif_screen_does_not_hide_a_huge_frame() -> None:
    screen = b"GIF89a" + b"\x01\0\x01\0" + b"\0\0\0"
    frame = b"\x2c" + bytes(4) + b"\xff\xff\xff\xff" + b"\0" + b"\x02\x01\0\0"
    with pytest.raises(ImageTooLarge, match="65535 x 65535"):
        inspect(screen + frame + b"\x3b", LIMIT)


@pytest.mark.parametrize("size", [(0, 10), (10, 0)])
def test_pictures_without_pixels_are_broken(size: tuple[int, int]) -> None:
    with pytest.raises(BrokenImage, match="size"):
        inspect(bmp_of(*size, 24, b""), LIMIT)


def test_endless_chains_are_cut_short() -> None:
    png = FILES["PNG"]
    with pytest.raises(BrokenImage, match="chunks"):
        inspect(png[:33] + png_chunk(b"teXt", b"") * 70_000 + png[33:], LIMIT)
    jpeg = FILES["JPEG"]
    with pytest.raises(BrokenImage, match="segments"):
        inspect(jpeg[:2] + b"\xff\xfe\x00\x02" * 5_000 + jpeg[2:], LIMIT)
    gif = FILES["GIF"]
    with pytest.raises(BrokenImage, match="blocks"):
        inspect(gif[:-1] + b"\x21\xfe" + b"\x01a" * 210_000 + b"\0\x3b", LIMIT)
    tiff = bytearray(FILES["TIFF"][:8]) + (4096).to_bytes(2, "little")
    tiff += (b"\x11\x01\x03\0" + (60_000).to_bytes(4, "little") + (8).to_bytes(4, "little")) * 4096 + bytes(200_000)
    tiff[4:8] = (8).to_bytes(4, "little")
    with pytest.raises(BrokenImage, match="strips"):
        inspect(bytes(tiff), LIMIT)


def test_scans_of_a_jpeg_are_bounded() -> None:
    """Each one goes over all pixels again: 600 of them, in a file of 0.3 MB, keep a decoder busy for half a minute."""
    for name in ("JPEG progressive", "JPEG CMYK"):
        assert inspect(FILES[name], LIMIT).native
    whole = FILES["JPEG progressive"]
    last = whole.rindex(b"\xff\xda")
    bomb = whole[:last] + whole[last:-2] * 40 + whole[-2:]
    with pytest.raises(BrokenImage, match="32 scans"):
        inspect(bomb, LIMIT)
    comment = b"\xff\xfe\x00\x04\xff\xd9"  # a comment that looks like the end of the picture
    with pytest.raises(BrokenImage, match="32 scans"):
        inspect(whole[:last] + (comment + whole[last:-2]) * 40 + whole[-2:], LIMIT)
