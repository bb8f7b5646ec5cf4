"""Headers and structure of every accepted format, whole and damaged."""

import io
import resource
import struct
import zlib

import pillow_heif
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from gateway.errors import BrokenImage, ImageTooLarge, UnsupportedFormat
from gateway.images.inspect import ACCEPTED, inspect
from gateway.images.transcode import to_native
from tests.support.memory import memory_at_most
from tests.support.pictures import ALL, bmp_of, bottle, encode, png_chunk

LIMIT = 50_000_000
PICTURE = bottle(128, 64)
FILES = {name: write(PICTURE) for name, write in ALL.items()}


def tiff_of(*entries: tuple[int, int, int, int], magic: bytes = b"") -> bytes:
    """A little-endian TIFF of 9 x 9 pixels with these entries (tag, type, count, value) in its first directory."""
    by_tag = {entry[0]: entry for entry in ((256, 3, 1, 9), (257, 3, 1, 9), (279, 3, 1, 9), *entries)}
    fields = b"".join(struct.pack("<HHII", *by_tag[tag]) for tag in sorted(by_tag))
    return b"II*\0" + struct.pack("<I", 8 + len(magic)) + magic + struct.pack("<H", len(by_tag)) + fields + bytes(4)


@pytest.mark.parametrize("name", FILES)
def test_size_is_read_from_the_header(name: str) -> None:
    header = inspect(FILES[name], LIMIT)
    assert (header.width, header.height) == (128, 64)
    assert header.format == {"HEIC": "HEIF"}.get(name.split()[0], name.split()[0])
    assert header.native == (
        header.format in ("JPEG", "PNG", "WebP") and name != "PNG with alpha" and name != "PNG grey with alpha"
    )
    assert header.decoded_bytes - header.coefficient_bytes == 128 * 64 * (3 if header.native else 12)


@pytest.mark.parametrize("name", FILES)
def test_no_prefix_of_a_file_passes(name: str) -> None:
    content = FILES[name]
    if name == "GIF animated":
        content = content[: content.index(b"\x21\xf9", content.index(b"\x21\xf9") + 1)]  # its first frame
    if name.startswith("PNG"):
        content = content[: content.index(b"IEND") - 8]  # up to the checksum of its pixels
    for length in sorted(
        {*range(40, min(len(content) - 3, 400), 3), *(len(content) * part // 23 for part in range(3, 23))}
    ):
        with pytest.raises((BrokenImage, UnsupportedFormat)):
            to_native(inspect(content[:length], LIMIT))
    # From where the format shows, it is a broken file of that format and no longer an unknown one.
    with pytest.raises(BrokenImage):
        to_native(inspect(content[: len(content) * 9 // 10], LIMIT))


@pytest.mark.parametrize("name", FILES)
def test_pixel_limit_holds_for_whole_and_cut_files(name: str) -> None:
    inspect(FILES[name], 128 * 64)
    with pytest.raises(ImageTooLarge, match="128 x 64"):
        inspect(FILES[name], 128 * 64 - 1)
    if name.split()[0] in ("JPEG", "PNG", "WebP", "BMP", "GIF"):
        with pytest.raises(ImageTooLarge, match="128 x 64"):
            inspect(FILES[name][: len(FILES[name]) * 9 // 10], 128 * 64 - 1)


@pytest.mark.parametrize(
    "bomb",
    [
        FILES["PNG"][:16] + struct.pack(">II", 20_000, 10_000) + FILES["PNG"][24:],
        FILES["GIF"][:6] + struct.pack("<HH", 20_000, 10_000) + FILES["GIF"][10:],
        bmp_of(20_000, 10_000, 24, b""),
        tiff_of((256, 4, 1, 20_000), (257, 4, 1, 10_000), (273, 4, 1, 8)),
    ],
)
def test_pillows_own_limit_never_answers(bomb: bytes) -> None:
    with pytest.raises(ImageTooLarge, match="20000 x 10000"):
        inspect(bomb, LIMIT)
    assert inspect(bomb, 200_000_000).pixels == 200_000_000


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


def test_a_huge_frame_that_is_disposed_of_takes_no_memory() -> None:
    """Pillow draws its ground while it opens the file: 4 GB."""
    control = b"\x21\xf9\x04\x08" + bytes(4)
    frame = b"\x2c" + bytes(4) + b"\xff\xff\xff\xff" + b"\0" + b"\x02\x01\0\0"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageTooLarge, match="65535 x 65535"):
        inspect(b"GIF89a\x01\0\x01\0\0\0\0" + control + frame + b"\x3b", LIMIT)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_a_gif_is_read_without_what_stands_before_its_first_frame() -> None:
    whole = FILES["GIF"]
    at = 13 + (3 << (whole[10] & 7) + 1)
    comment = b"\x21\xfe" + b"\x05hello" * 10 + b"\0"
    told = inspect(whole[:at] + comment + whole[at:], LIMIT)
    assert told.content == inspect(whole, LIMIT).content
    assert to_native(told) == to_native(inspect(whole, LIMIT))
    with pytest.raises(BrokenImage, match="more than 20000 blocks"):
        inspect(whole[:at] + b"\x21\xfe" + b"\x01x" * 20_001 + b"\0" + whole[at:], LIMIT)
    with pytest.raises(BrokenImage, match="no marker where its first frame begins"):
        inspect(whole[:at] + bytes(100) + whole[at:], LIMIT)


@pytest.mark.parametrize("size", [(0, 10), (10, 0)])
def test_pictures_without_pixels_are_broken(size: tuple[int, int]) -> None:
    with pytest.raises(BrokenImage, match=r"size|header"):
        inspect(bmp_of(*size, 24, b""), LIMIT)


def test_endless_chains_are_cut_short() -> None:
    png = FILES["PNG"]
    with pytest.raises(BrokenImage, match="chunks"):
        inspect(png[:33] + png_chunk(b"teXt", b"") * 70_000 + png[33:], LIMIT)
    jpeg = FILES["JPEG"]
    with pytest.raises(BrokenImage, match="segments"):
        inspect(jpeg[:2] + b"\xff\xfe\x00\x02" * 5_000 + jpeg[2:], LIMIT)
    with pytest.raises(BrokenImage, match="strips"):
        inspect(tiff_of((273, 4, 200_000, 100)) + bytes(1_000_000), LIMIT)


def test_a_second_header_hides_no_huge_picture() -> None:
    """Pillow, and so the backend, would believe the second one."""
    png = FILES["PNG"]
    with pytest.raises(BrokenImage, match="contradicts itself about its size"):
        inspect(png[:33] + png_chunk(b"IHDR", struct.pack(">II", 13_000, 13_000) + png[24:29]) + png[33:], LIMIT)


def test_values_of_a_tiff_become_no_objects() -> None:
    """A rational takes eight bytes of a file and half a kilobyte of memory."""
    values = bytes(range(1, 9)) * 300_000
    bits_per_sample, orientation = (258, 5, 300_000, 100), (274, 5, 300_000, 100)
    for tag in (bits_per_sample, orientation):
        with memory_at_most(2 * len(values)), pytest.raises(BrokenImage, match="values"):
            inspect(tiff_of(tag) + values, LIMIT)
    with memory_at_most(2 * len(values)), pytest.raises(BrokenImage, match="strips"):
        inspect(tiff_of((273, 3, 600_000, 100)) + values, LIMIT)


def test_directories_beside_the_picture_are_left_out_of_a_tiff() -> None:
    """Pillow makes objects of all their values while it loads the picture."""
    tags = ImageFileDirectory_v2()
    tags[34665] = {36867: "2026:11:30 12:00:00"}
    whole = encode(bottle(128, 64), "TIFF", tiffinfo=tags)
    assert Image.open(io.BytesIO(whole)).getexif().get_ifd(34665)
    header = inspect(whole, LIMIT)
    assert not Image.open(io.BytesIO(header.content)).getexif().get_ifd(34665)
    assert to_native(header) == to_native(inspect(encode(bottle(128, 64), "TIFF"), LIMIT))


@pytest.mark.parametrize(
    "data",
    [
        tiff_of((50706, 1, 4, 0x0401)),  # DNG's version
        tiff_of((254, 4, 1, 1)),  # a reduced picture comes first: NEF, ARW and others
        tiff_of((262, 3, 1, 32803)),  # a colour filter array
        tiff_of((262, 3, 1, 34892)),  # linear raw
        tiff_of(magic=b"CR\2\0\0\0\0\0"),
    ],
)
def test_raw_formats_are_named(data: bytes) -> None:
    """Their first picture is often a preview of 160 x 120 pixels, which would be classified without a word."""
    assert inspect(tiff_of((254, 4, 1, 0)), LIMIT).pixels == 81
    with pytest.raises(BrokenImage, match=r"raw format.*NEF.*DNG.*Export it as JPEG"):
        inspect(data, LIMIT)


def test_heif_is_answered_by_its_primary_picture() -> None:
    """Another picture in the file may be larger than any may be."""
    file = pillow_heif.from_pillow(bottle(900, 800))
    file.add_from_pillow(PICTURE)
    output = io.BytesIO()
    file.save(output, primary_index=1)
    header = inspect(output.getvalue(), 128 * 64)
    assert (header.width, header.height) == (128, 64)
    assert Image.open(io.BytesIO(to_native(header))).size == (128, 64)


def test_the_reason_of_a_decoder_is_told() -> None:
    """A codec that this libheif does not have."""
    whole = FILES["HEIC"]
    with pytest.raises(BrokenImage, match=r"HEIF file cannot be decoded: .+ Export it as JPEG\."):
        to_native(inspect(whole.replace(b"hvc1", b"vvc1").replace(b"hvcC", b"vvcC"), LIMIT))
    with pytest.raises(BrokenImage, match=r"TIFF file .+Send the original file"):
        to_native(inspect(FILES["TIFF"][:8] + FILES["TIFF"][-100:], LIMIT))


def test_png_without_texts_profiles_and_later_frames_is_native() -> None:
    """Pillow refuses files whose texts or profiles are large."""
    whole = FILES["PNG"]
    profile = png_chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(3_000_000)))
    text = png_chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(3_000_000)))
    header = inspect(whole[:33] + profile + text + whole[33:], LIMIT)
    assert header.native
    assert header.content == whole
    exif = png_chunk(b"eXIf", b"MM\0*" + bytes(20))
    header = inspect(whole[:33] + profile + exif + whole[33:], LIMIT)
    assert not header.native
    assert Image.open(io.BytesIO(to_native(header))).size == PICTURE.size
