"""What is converted shows the same pixels afterwards."""

import io
from collections.abc import Iterator

import numpy
import pytest
from PIL import Image, ImageChops

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader
from gateway.images.inspect import inspect
from gateway.images.transcode import Transcoder
from tests.support.pictures import ALL, LOSSLESS, bottle, encode, with_orientation

PICTURE = bottle(96, 64)


@pytest.fixture
def transcoder() -> Iterator[Transcoder]:
    transcoder = Transcoder(threads=1)
    yield transcoder
    transcoder.close()


async def converted(transcoder: Transcoder, data: bytes) -> Image.Image:
    bmp = await transcoder.to_native(data, inspect(data, 50_000_000))
    again = inspect(bmp, 50_000_000)
    assert (again.format, again.native) == ("BMP", True)
    return Image.open(io.BytesIO(bmp))


@pytest.mark.parametrize("name", [name for name in ALL if not inspect(ALL[name](PICTURE), 10**7).native])
async def test_pixels_are_kept(transcoder: Transcoder, name: str) -> None:
    data = ALL[name](PICTURE)
    picture = await converted(transcoder, data)
    assert picture.size == PICTURE.size
    with Image.open(io.BytesIO(data)) as original:
        expected = original.convert("RGB")
    assert ImageChops.difference(picture, expected).getbbox() is None
    if name in LOSSLESS:
        assert numpy.abs(numpy.asarray(picture, int) - numpy.asarray(PICTURE, int)).mean() < 1


@pytest.mark.parametrize("format", ["AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
async def test_orientation_is_applied(transcoder: Transcoder, format: str, orientation: int) -> None:
    picture = await converted(transcoder, with_orientation(PICTURE, orientation, format))
    assert picture.size == PICTURE.size
    assert numpy.abs(numpy.asarray(picture, int) - numpy.asarray(PICTURE, int)).mean() < 4


async def test_sixteen_bits_of_grey_are_scaled_not_clipped(transcoder: Transcoder) -> None:
    grey = numpy.asarray(PICTURE.convert("L"))
    data = encode(Image.fromarray(grey.astype(numpy.uint16) * 257), "TIFF")
    bmp = await transcoder.to_native(data, inspect(data, 50_000_000))
    assert numpy.array_equal(numpy.asarray(Image.open(io.BytesIO(bmp)).convert("L")), grey)


async def test_first_frame_is_taken(transcoder: Transcoder) -> None:
    data = encode(PICTURE, "GIF", save_all=True, append_images=[Image.new("RGB", PICTURE.size, "white")])
    assert ImageChops.difference(await converted(transcoder, data), PICTURE.convert("P").convert("RGB")) is not None
    assert numpy.asarray(await converted(transcoder, data)).mean() < 200


async def test_file_that_only_decoding_finds_broken(transcoder: Transcoder) -> None:
    data = bytearray(ALL["AVIF"](PICTURE))
    middle = len(data) * 7 // 10
    data[middle:-1] = bytes(len(data) - middle - 1)
    with pytest.raises(BrokenImage, match="decoded"):
        await transcoder.to_native(bytes(data), inspect(bytes(data), 10_000_000))


async def test_file_that_decodes_larger_than_it_declared(transcoder: Transcoder) -> None:
    with pytest.raises(BrokenImage, match="contradicts"):
        await transcoder.to_native(encode(PICTURE, "GIF"), ImageHeader("GIF", 2, 2, complete=True, native=False))


async def test_huge_pictures_are_halved_without_a_difference_that_networks_see(transcoder: Transcoder) -> None:
    huge = bottle(6000, 4000)
    noise = numpy.random.default_rng(0).integers(-40, 40, (4000, 6000, 3))
    huge = Image.fromarray(numpy.clip(numpy.asarray(huge, int) + noise, 0, 255).astype(numpy.uint8))
    data = encode(huge, "TIFF", compression="jpeg", quality=95)
    picture = await converted(transcoder, data)
    assert picture.size == (3000, 2000)
    with Image.open(io.BytesIO(data)) as original:
        expected = original.convert("RGB").resize((192, 192), Image.Resampling.BILINEAR)
    found = picture.resize((192, 192), Image.Resampling.BILINEAR)
    assert numpy.abs(numpy.asarray(found, int) - numpy.asarray(expected, int)).max() <= 1


@pytest.mark.parametrize("size", [(60_000, 700), (700, 60_000)])
async def test_huge_narrow_pictures_lose_from_the_long_side_only(transcoder: Transcoder, size: tuple[int, int]) -> None:
    picture = await converted(transcoder, encode(Image.new("L", size), "GIF"))
    assert picture.size == (size[0] // 4 if size[0] > 700 else 700, size[1] // 4 if size[1] > 700 else 700)
