"""What is converted shows the same pixels afterwards."""

import io

import numpy as np
import pytest
from PIL import Image, ImageChops

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader
from gateway.images.inspect import inspect
from gateway.images.transcode import to_native
from imaging.decode import rendered
from tests.support.pictures import ALL, LOSSLESS, bottle, encode, with_orientation

PICTURE = bottle(96, 64)


def converted(data: bytes) -> Image.Image:
    header = inspect(data, 50_000_000)
    assert not header.native
    bmp = to_native(header)
    assert bmp.startswith(b"BM")
    return Image.open(io.BytesIO(bmp))


@pytest.mark.parametrize("name", [name for name in ALL if not inspect(ALL[name](PICTURE), 10**7).native])
def test_pixels_are_kept(name: str) -> None:
    data = ALL[name](PICTURE)
    picture = converted(data)
    assert picture.size == PICTURE.size
    with Image.open(io.BytesIO(data)) as original:
        expected = rendered(original)
    assert ImageChops.difference(picture, expected).getbbox() is None
    if name in LOSSLESS:
        assert np.abs(np.asarray(picture, int) - np.asarray(PICTURE, int)).mean() < 1


@pytest.mark.parametrize("format", ["AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(format: str, orientation: int) -> None:
    picture = converted(with_orientation(PICTURE, orientation, format))
    assert picture.size == PICTURE.size
    assert np.abs(np.asarray(picture, int) - np.asarray(PICTURE, int)).mean() < 4


def test_sixteen_bits_of_grey_are_scaled_not_clipped() -> None:
    grey = np.asarray(PICTURE.convert("L"))
    data = encode(Image.fromarray(grey.astype(np.uint16) * 257), "TIFF")
    bmp = to_native(inspect(data, 50_000_000))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(bmp)).convert("L")), grey)


def test_first_frame_is_taken() -> None:
    data = encode(PICTURE, "GIF", save_all=True, append_images=[Image.new("RGB", PICTURE.size, "white")])
    assert ImageChops.difference(converted(data), PICTURE.convert("P").convert("RGB")) is not None
    assert np.asarray(converted(data)).mean() < 200


def test_file_that_only_decoding_finds_broken() -> None:
    data = bytearray(ALL["AVIF"](PICTURE))
    middle = len(data) * 7 // 10
    data[middle:-1] = bytes(len(data) - middle - 1)
    with pytest.raises(BrokenImage, match="decoded"):
        to_native(inspect(bytes(data), 10_000_000))


def test_file_that_decodes_larger_than_it_declared() -> None:
    with pytest.raises(BrokenImage, match="contradicts"):
        to_native(ImageHeader("GIF", 2, 2, encode(PICTURE, "GIF"), native=False))


def test_huge_pictures_are_halved_without_a_difference_that_networks_see() -> None:
    huge = bottle(6000, 4000)
    noise = np.random.default_rng(0).integers(-40, 40, (4000, 6000, 3))
    huge = Image.fromarray(np.clip(np.asarray(huge, int) + noise, 0, 255).astype(np.uint8))
    data = encode(huge, "TIFF", compression="jpeg", quality=95)
    picture = converted(data)
    assert picture.size == (3000, 2000)
    with Image.open(io.BytesIO(data)) as original:
        expected = original.convert("RGB").resize((192, 192), Image.Resampling.BILINEAR)
    found = picture.resize((192, 192), Image.Resampling.BILINEAR)
    assert np.abs(np.asarray(found, int) - np.asarray(expected, int)).max() <= 1


@pytest.mark.parametrize("size", [(60_000, 700), (700, 60_000)])
def test_huge_narrow_pictures_lose_from_the_long_side_only(size: tuple[int, int]) -> None:
    picture = converted(encode(Image.new("L", size), "GIF"))
    assert picture.size == (size[0] // 4 if size[0] > 700 else 700, size[1] // 4 if size[1] > 700 else 700)


@pytest.mark.parametrize("name", ["PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF", "palette"])
def test_what_is_transparent_is_white_as_in_a_browser(name: str) -> None:
    lower_half = Image.new("L", PICTURE.size, 0)
    lower_half.paste(255, (0, 32, *PICTURE.size))
    cutout = PICTURE.convert("RGBA")
    cutout.putalpha(lower_half)
    quality = -1 if name == "HEIF" else 100  # lossless
    data = (
        encode(cutout.quantize(64), "PNG")
        if name == "palette"
        else encode(cutout, name, lossless=True, quality=quality)
    )
    picture = np.asarray(converted(data), dtype=int)
    assert picture[:30].min() >= 250
    assert np.abs(picture[34:] - np.asarray(PICTURE, dtype=int)[34:]).mean() < 6
