"""JPEG: where the picture ends, what is whole and what is damaged."""

import io
import random
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from gateway.errors import BrokenImage
from gateway.images.inspect import inspect
from gateway.images.transcode import to_native
from imaging.jpeg import DamagedJpegError, decoded, is_whole, with_end, with_extraneous_bytes
from tests.support.memory import memory_at_most
from tests.support.pictures import ALL, bottle, encode

Served = Callable[[bytes], bytes]
LIMIT = 50_000_000
_NOISE = random.Random(0)


def photo(**options: object) -> bytes:
    """A picture with something everywhere, as photos have."""
    pixels = np.asarray(bottle(256, 160), dtype=int)
    noise = np.random.default_rng(0).integers(-25, 25, pixels.shape)
    return encode(Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)), "JPEG", **options)


WHOLE = {
    "baseline": photo(quality=90),
    "optimised": photo(quality=90, optimize=True),
    "progressive": photo(quality=90, progressive=True),
    "restart markers": photo(quality=90, restart_marker_rows=1),
    "CMYK": ALL["JPEG CMYK"](bottle(256, 160)),
}
#: As phones and cameras write behind a picture.
TRAILER = b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data1700000000000" * 3 + b"SEFHSEFT"
FILM = b"\0\0\0\x18ftypmp42" + _NOISE.randbytes(20_000) + b"\xff\xd9" + _NOISE.randbytes(3000)


def start_of_scan(data: bytes) -> int:
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def served(data: bytes) -> bytes:
    """What goes to a decoder that does not find damage."""
    return to_native(inspect(data, LIMIT))


@pytest.fixture(params=[False, True], ids=["looks for damage", "leaves that to Triton"])
def triton_takes(request: pytest.FixtureRequest) -> Served:
    """What goes to a decoder of either kind; the other kind's own look for damage comes with it."""

    def take(data: bytes) -> bytes:
        header = inspect(data, LIMIT)
        content = to_native(header, finds_damage=request.param)
        if request.param:
            try:
                decoded(content, header.width, header.height)
            except DamagedJpegError as exc:
                raise BrokenImage(str(exc)) from exc
        return content

    return take


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=int)


@pytest.mark.parametrize("name", WHOLE)
def test_a_regular_file_goes_on_as_it_is(name: str) -> None:
    assert served(WHOLE[name]) is WHOLE[name]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize(
    "behind", [b"", b"\xff", TRAILER, FILM, WHOLE["baseline"]], ids=["nothing", "FF", "trailer", "film", "preview"]
)
def test_what_stands_behind_a_whole_picture_does_not_matter(triton_takes: Served, name: str, behind: bytes) -> None:
    whole = WHOLE[name]
    assert triton_takes(whole + behind) == whole
    if name == "progressive" and behind == FILM:
        return  # the noise of a film may look like one more scan
    without_end = triton_takes(whole[:-2] + behind)
    assert np.array_equal(pixels(with_end(without_end)), pixels(whole))


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("behind", [b"", b"\xff\xd9", TRAILER, FILM, bytes(50_000), bytes(50_000) + b"\xff\xd9"])
def test_a_picture_that_is_cut_off_is_refused_whatever_stands_behind(
    triton_takes: Served, name: str, behind: bytes
) -> None:
    whole = WHOLE[name]
    start = start_of_scan(whole)
    # A progressive picture whose last scan has begun shows whole, but for the finest detail.
    for part in (0.2, 0.4) if name == "progressive" else (0.2, 0.4, 0.9):
        cut = whole[: start + int((len(whole) - start) * part)]
        with pytest.raises(BrokenImage, match=r"damaged|cut off|decoded"):
            triton_takes(cut + behind)


@pytest.mark.parametrize("name", WHOLE)
def test_a_scan_that_is_overwritten_is_refused(triton_takes: Served, name: str) -> None:
    whole = WHOLE[name]
    start = start_of_scan(whole)
    for at in range(start, len(whole) - 3002, (len(whole) - start) // 7):
        with pytest.raises(BrokenImage):
            triton_takes(whole[:at] + _NOISE.randbytes(3000) + whole[at + 3000 :])
    refused = 0
    for at in range(start, len(whole) - 402, (len(whole) - start) // 20):
        try:
            triton_takes(whole[:at] + bytes(400) + whole[at + 400 :])
        except BrokenImage:
            refused += 1
    assert refused >= 10  # the codes find back into step now and then, as if nothing had been


@pytest.mark.parametrize("stray", [b"\0", bytes(7), b"\xff\0", b"\xff\0\xff\0", b"abc\xff", b"\xff\xff\xff"])
@pytest.mark.parametrize("name", WHOLE)
def test_stray_bytes_between_segments_are_left_out(name: str, stray: bytes) -> None:
    whole = WHOLE[name]
    for marker in (b"\xff\xdb", b"\xff\xc4", b"\xff\xda"):
        for place in re.finditer(re.escape(marker), whole[: start_of_scan(whole)]):
            assert served(whole[: place.start()] + stray + whole[place.start() :]) == whole


def test_stray_bytes_are_bounded() -> None:
    whole = WHOLE["baseline"]
    at = whole.index(b"\xff\xdb")
    assert served(whole[:at] + bytes(4000) + whole[at:]) == whole
    for length in (5000, 500_000):
        with pytest.raises(BrokenImage, match="no marker"):
            served(whole[:at] + bytes(length) + whole[at:])


@pytest.mark.parametrize("padding", [b"a", b"abcdefgh", bytes(100), b"\xaa" * 3000])
def test_padding_before_the_end_marker_is_harmless(triton_takes: Served, padding: bytes) -> None:
    whole = WHOLE["baseline"]
    assert triton_takes(whole[:-2] + padding + whole[-2:])[-2:] == b"\xff\xd9"
    with pytest.raises(BrokenImage, match="extraneous"):
        triton_takes(whole[:-2] + b"more than a camera leaves behind" + whole[-2:])


def test_cmyk_without_adobes_marker_is_converted() -> None:
    """DALI takes it for its negative."""
    whole = WHOLE["CMYK"]
    at = whole.index(b"\xff\xee")
    without = whole[:at] + whole[at + 2 + int.from_bytes(whole[at + 2 : at + 4], "big") :]
    assert inspect(whole, LIMIT).native
    assert not inspect(without, LIMIT).native
    assert np.abs(pixels(served(without)) - np.asarray(bottle(256, 160), dtype=int)).mean() < 4


def test_scans_are_bounded() -> None:
    """Each one goes over all pixels again: 600 of them, in a file of 0.3 MB, keep a decoder busy for half a minute."""
    for name in ("progressive", "CMYK"):
        assert inspect(WHOLE[name], LIMIT).native
    whole = WHOLE["progressive"]
    last = whole.rindex(b"\xff\xda")
    with pytest.raises(BrokenImage, match="32 scans"):
        inspect(whole[:last] + whole[last:-2] * 40 + whole[-2:], LIMIT)
    comment = b"\xff\xfe\x00\x04\xff\xd9"  # a comment that looks like the end of the picture
    with pytest.raises(BrokenImage, match="32 scans"):
        inspect(whole[:last] + (comment + whole[last:-2]) * 40 + whole[-2:], LIMIT)


def test_what_the_check_does_not_know_is_decoded() -> None:
    """Arithmetic coding, lossless files and whatever else TurboJPEG refuses: Pillow has the last word."""
    odd = WHOLE["baseline"].replace(b"JFIF\0\1", b"JFIF\0\x09")  # a revision to come: libjpeg warns
    header = inspect(odd, LIMIT)
    assert not is_whole(header.content)
    assert to_native(header)[:2] == b"BM"


@pytest.mark.parametrize(
    ("picture", "options", "bytes_a_pixel"),
    [
        (bottle(640, 480), {"subsampling": "4:2:0"}, 3),
        (bottle(640, 480), {"subsampling": "4:2:2"}, 4),
        (bottle(640, 480), {"subsampling": "4:4:4"}, 6),
        (bottle(640, 480).convert("L"), {}, 2),
        (bottle(640, 480).convert("CMYK"), {}, 8),
    ],
)
def test_coefficients_of_several_scans_count(picture: Image.Image, options: dict[str, str], bytes_a_pixel: int) -> None:
    """libjpeg keeps all of them until the last scan: more memory than the picture takes."""
    sequential = inspect(encode(picture, "JPEG", **options), LIMIT)
    progressive = inspect(encode(picture, "JPEG", progressive=True, **options), LIMIT)
    assert sequential.decoded_bytes == 3 * progressive.pixels
    assert progressive.decoded_bytes == (3 + bytes_a_pixel) * progressive.pixels


def test_coefficients_of_a_narrow_picture_are_whole_blocks() -> None:
    header = inspect(encode(Image.new("RGB", (1, 4000)), "JPEG", progressive=True, subsampling="4:2:0"), LIMIT)
    assert header.coefficient_bytes == 4000 // 16 * 6 * 64 * 2


def test_a_segment_that_is_shorter_than_its_length_is_skipped() -> None:
    """As by libjpeg, which reads two bytes of length, whatever they say."""
    whole = WHOLE["baseline"]
    served_too = served(whole[:2] + b"\xff\xe1\0\0" + whole[2:])
    assert np.array_equal(pixels(served_too), pixels(whole))
    assert np.array_equal(pixels(served(whole[:2] + b"\xff\xe1\0\0stray bytes" + whole[2:])), pixels(whole))


@pytest.mark.parametrize("name", WHOLE)
def test_the_damage_that_changes_no_pixel_is_found_by_the_warning_alone(name: str) -> None:
    """The gateway asks Triton about such a file: a decoder that answers does not mind libjpeg's warnings."""
    damaged = with_extraneous_bytes(WHOLE[name])
    assert np.array_equal(pixels(damaged), pixels(WHOLE[name]))
    for look in (is_whole, lambda content: decoded(content, 256, 160)):
        with pytest.raises(DamagedJpegError, match="extraneous"):
            look(damaged)


def test_a_scan_of_nothing_but_restart_markers_takes_no_memory() -> None:
    whole = WHOLE["restart markers"]
    start = start_of_scan(whole)
    data = whole[:start] + b"\xff\xd0" * 500_000 + whole[-2:]
    with memory_at_most(4 * len(data)):
        assert inspect(data, LIMIT).complete
    few = WHOLE["restart markers"].replace(b"\xff\xd1", b"")
    with pytest.raises(BrokenImage, match="cut off"):
        inspect(few, LIMIT)
