"""HEIF and AVIF: what the boxes declare, before any decoder sees the file."""

import struct
from collections.abc import Iterable

import pytest

from gateway.errors import BrokenImage, ImageTooLarge
from gateway.images.av1 import frame_sizes
from gateway.images.heif import declared_size
from gateway.images.inspect import inspect
from gateway.images.transcode import to_native
from tests.support.pictures import ALL, bottle, cut_out, encode

SIZE = struct.pack(">II", 128, 64)
FILES = {name: ALL[name](bottle(128, 64)) for name in ("AVIF", "HEIC")}


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full_box(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", flags), *content)


def file_of(sizes: Iterable[tuple[int, int]], *references: bytes, primary: int = 1) -> bytes:
    """A file of items 1, 2, … of these sizes."""
    properties = [full_box(b"ispe", struct.pack(">II", *size)) for size in sizes]
    associations = b"".join(struct.pack(">HBB", item, 1, item) for item in range(1, len(properties) + 1))
    return box(b"ftyp", b"heic\0\0\0\0heicmif1") + full_box(
        b"meta",
        full_box(b"pitm", struct.pack(">H", primary)),
        box(
            b"iprp",
            box(b"ipco", *properties),
            full_box(b"ipma", struct.pack(">I", len(properties)), associations),
        ),
        full_box(b"iref", *references),
    )


def reference(kind: bytes, source: int, *targets: int) -> bytes:
    return box(kind, struct.pack(f">HH{len(targets)}H", source, len(targets), *targets))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("size", [(10_000, 10_000), (40_000, 40_000), (2**31, 2**31), (2**32 - 1, 7), (1, 2**27)])
def test_a_gigantic_size_is_too_large_and_not_broken(name: str, size: tuple[int, int]) -> None:
    """Decoders refuse many of these without a word about the size."""
    file = FILES[name].replace(SIZE, struct.pack(">II", *size))
    for part in (file, file[: len(file) * 9 // 10]):
        with pytest.raises(ImageTooLarge, match=f"{size[0]} x {size[1]} pixels"):
            inspect(part, 64_000_000)


@pytest.mark.parametrize("name", FILES)
def test_no_size_is_broken(name: str) -> None:
    with pytest.raises(BrokenImage, match="0 x 0" if name == "HEIC" else "AVIF file cannot be decoded"):
        to_native(inspect(FILES[name].replace(SIZE, bytes(8)), 64_000_000))


def test_what_the_primary_picture_needs_counts_and_its_neighbours_do_not() -> None:
    sizes = [(100, 100), (9000, 9000), (512, 512), (300, 300), (4000, 3000)]
    assert declared_size(file_of(sizes)) == (100, 100)
    assert declared_size(file_of(sizes, reference(b"dimg", 1, 3, 4))) == (512, 512)
    assert declared_size(file_of(sizes, reference(b"auxl", 5, 1))) == (4000, 3000)
    assert declared_size(file_of(sizes, reference(b"dimg", 1, 4), reference(b"auxl", 5, 4))) == (4000, 3000)
    # Thumbnails and other pictures that point to it are not decoded.
    assert declared_size(file_of(sizes, reference(b"thmb", 2, 1), reference(b"dimg", 2, 1))) == (100, 100)
    assert declared_size(file_of(sizes, reference(b"auxl", 1, 3), reference(b"dimg", 1, 3))) == (512, 512)


def test_tiles_are_decoded_once_and_are_no_larger_than_the_picture() -> None:
    """A file of 3 kB named one tile 900 times behind a small size: libheif decoded 236 megapixels."""
    sizes = [(100, 100), (6000, 6000), (6000, 6000), (512, 512)]
    for references in ([reference(b"dimg", 1, 4, 4)], [reference(b"dimg", 1, 1, 4), reference(b"dimg", 4, 1)]):
        with pytest.raises(BrokenImage, match="a tile twice"):
            declared_size(file_of(sizes, *references))
    # What others are made of does not count.
    assert declared_size(file_of(sizes, reference(b"dimg", 2, 1, 1))) == (100, 100)
    many = [(100, 100), *[(6000, 6000)] * 4]
    assert declared_size(file_of(many, reference(b"dimg", 1, 2, 3, 4))) == (6000, 6000)
    with pytest.raises(BrokenImage, match="larger than its picture"):
        declared_size(file_of(many, reference(b"dimg", 1, 2, 3, 4, 5)))


@pytest.mark.parametrize("format", ["AVIF", "HEIF"])
def test_pictures_of_libraries(format: str) -> None:
    assert declared_size(encode(cut_out(bottle(128, 64)), format)) == (128, 64)
    sequence = encode(bottle(128, 64), format, save_all=True, append_images=[bottle(128, 64)])
    assert declared_size(sequence) == (128, 64)


def test_the_size_of_a_sequence_is_that_of_its_track() -> None:
    track = full_box(b"tkhd", bytes(72), struct.pack(">II", 640 << 16, 480 << 16))
    assert declared_size(box(b"ftyp", b"avis\0\0\0\0avis") + box(b"moov", box(b"trak", track))) == (640, 480)


@pytest.mark.parametrize("format", ["AVIF", "AVIF sequence"])
def test_a_small_size_does_not_hide_a_huge_coded_frame(format: str) -> None:
    """libavif would decode it and scale it down."""
    more = {"save_all": True, "append_images": [bottle(640, 480)]} if format == "AVIF sequence" else {}
    whole = encode(bottle(640, 480), "AVIF", **more)
    small = whole.replace(struct.pack(">II", 640, 480), SIZE).replace(struct.pack(">II", 640 << 16, 480 << 16), SIZE)
    assert declared_size(small) == (640, 480)
    assert declared_size(small.replace(b"meta", b"mete")) == ((640, 480) if more else None)
    with pytest.raises(ImageTooLarge, match="640 x 480"):
        inspect(small, 640 * 480 - 1)


def test_sequence_headers_of_every_length_are_read() -> None:
    reduced = bits("000 1 1 00000 1001 1000 1001111111 011101111")
    timing = "1" + "0" * 64 + "1 00101" + "1 00100" + "0" * 42
    operating_points = "1 00001" + ("0" * 12 + "01000 1 1" + "0" * 11 + "1 0000") + ("0" * 12 + "00111 0 0")
    full = bits(f"000 0 0 {timing} {operating_points} 1001 1000 1001111111 011101111")
    for header in (reduced, full):
        for unit in (bytes([0b1010, len(header)]) + header, bytes([0b1110, 0, 0x80 | len(header), 0]) + header):
            assert list(frame_sizes(b"\x12\0" + unit + b"\x32\1\0", lambda: None)) == [(640, 240)]
        assert list(frame_sizes(bytes([0b1000]) + header, lambda: None)) == [(640, 240)]
    for garbage in (b"", b"\x0a", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0a\1\0"):
        assert list(frame_sizes(garbage, lambda: None)) == []


def test_a_number_of_variable_length_ends_where_decoders_end_it() -> None:
    """They read on behind 32 zeros; a reader that does not finds another size, and each costs it a moment."""
    header = bits(
        "000 0 0 1" + "0" * 64 + "1" + "0" * 32 + "0 0 00000" + "0" * 12 + "00000 1001 1000 1001111111 011101111"
    )
    assert list(frame_sizes(bytes([0b1010, len(header)]) + header, lambda: None)) == [(640, 240)]


def test_numbers_of_sequence_headers_are_counted() -> None:
    """Forty thousand headers of 512 bytes took half a minute, in which nobody else was answered."""
    numbers: list[None] = []
    header = bits("000 0 0 0 0 11111" + "0" * 17 * 32 + "1001 1000 1001111111 011101111")
    assert list(frame_sizes(bytes([0b1010, len(header)]) + header, lambda: numbers.append(None))) == [(640, 240)]
    assert len(numbers) > 64


def bits(text: str) -> bytes:
    digits = text.replace(" ", "")
    return int(digits.ljust(-len(digits) % 8 + len(digits), "0"), 2).to_bytes((len(digits) + 7) // 8, "big")


def test_chains_and_counts_are_bounded() -> None:
    """Hostile files of many boxes cost no more than a moment."""
    chain = [reference(b"dimg", item, item + 1) for item in range(1, 30_000)][::-1]
    assert declared_size(file_of([(8, 8)], *chain)) == (8, 8)
    for file in (
        file_of([(8, 8)], *[box(b"free")] * 100_000),
        file_of([(8, 8)], box(b"dimg", struct.pack(">HH", 1, 65_535), bytes(400_000))),
        file_of([(8, 8)]).replace(struct.pack(">IHB", 1, 1, 1), struct.pack(">IHB", 2**32 - 1, 1, 255)) + bytes(10**6),
    ):
        with pytest.raises(BrokenImage, match="boxes"):
            declared_size(file)


def test_boxes_that_end_early_are_broken() -> None:
    whole = file_of([(100, 100)])
    for length in range(40, len(whole)):
        for part in (whole[:length], whole[:length] + b"\0\0\0\1free"):
            try:
                assert inspect(part, 64_000_000).pixels == 10_000
            except BrokenImage:
                continue
