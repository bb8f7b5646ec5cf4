"""What the DALI backend has Pillow decode: large images, four components, transparency, EXIF beside JPEG."""

import struct
import time
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from embedded_triton.backends.dali import pillow
from embedded_triton.backends.dali.batches import DeviceBatches
from embedded_triton.backends.dali.pillow import PillowDecoder
from imaging.resize import resize
from tests.support.exif import exif, png, stored, webp
from tests.support.pictures import bottle, cut_out, encode, png_chunk, with_orientation, without_adobe
from tests.unit.embedded_triton.backends.backend_loading import load_backend
from tests.unit.embedded_triton.backends.dali_backend import (
    PREPROCESS,
    SPECIFICATION,
    arguments,
    expected,
    levels,
    pixels,
    request,
)

pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")
LARGE = bottle(2016, 1512)


def on_white(layer: Image.Image) -> np.ndarray[Any, Any]:
    background = Image.new("RGBA", layer.size, "white")
    return resize(Image.alpha_composite(background, layer).convert("RGB"), SPECIFICATION.size)[None]


JPEGS = {
    "baseline": encode(LARGE, "JPEG", quality=90),
    "progressive": encode(LARGE, "JPEG", quality=90, progressive=True),
    "turned": with_orientation(LARGE, 6),
    "grey": encode(LARGE.convert("L"), "JPEG", quality=90),
    "CMYK": encode(LARGE.convert("CMYK"), "JPEG", quality=90),
    "odd": encode(bottle(1999, 1337), "JPEG", quality=90, subsampling="4:4:4"),
    "long": encode(bottle(8001, 390), "JPEG", quality=90),
    "two pictures": encode(LARGE, "MPO", save_all=True, append_images=[bottle(64, 48)], quality=90),
}
ON_WHITE = {
    "PNG": encode(cut_out(bottle()), "PNG"),
    "PNG, white hidden": encode(cut_out(bottle(), (255, 255, 255)), "PNG"),
    "WebP": encode(cut_out(bottle()), "WEBP", lossless=True, exact=True),
    "TIFF": encode(cut_out(bottle()), "TIFF"),
}


@pytest.fixture(autouse=True)
def _pillows_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend has a process of its own, where it takes the limit away."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@pytest.fixture(scope="module")
def model() -> Any:
    """An instance as on a CPU."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        instance = load_backend("dali", monkeypatch).TritonPythonModel()
        instance.initialize(arguments(PREPROCESS))
        yield instance


def ask(model: Any, file: bytes) -> np.ndarray[Any, Any]:
    return pixels(*model.execute([request(file)]))


@pytest.mark.parametrize("name", JPEGS)
def test_a_large_jpeg_looks_as_if_decoded_whole(model: Any, name: str) -> None:
    difference = levels(ask(model, JPEGS[name]), expected(JPEGS[name]))
    assert difference.mean() < 0.25
    assert np.quantile(difference, 0.99) <= 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_no_orientation_moves_a_large_jpeg_of_an_odd_size(model: Any, orientation: int) -> None:
    # At a quarter of its size the last column and row are a fraction of one.
    file = with_orientation(bottle(2001, 1617), orientation)
    assert levels(ask(model, file), expected(file)).mean() < 0.25


def test_a_large_jpeg_is_decoded_at_the_smallest_scale_of_twice_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def rendered(image: Image.Image, **_: Any) -> Image.Image:
        sizes.append(image.size)
        return image.convert("RGB")

    monkeypatch.setattr(pillow, "rendered", rendered)
    decoder = PillowDecoder(192, 1, large_jpeg=True)
    for width, height in ((2016, 1512), (4032, 3024), (3072, 3072), (3071, 3072), (767, 3000), (8001, 383)):
        decoding = decoder.submit(np.frombuffer(encode(Image.new("L", (width, height)), "JPEG"), np.uint8))
        assert decoding is not None
        decoding.result()
    assert sizes == [(1008, 756), (1008, 756), (384, 384), (768, 768), (767, 3000), (8001, 383)]


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_a_truncated_large_jpeg_fails_alone(model: Any, name: str, kept: float) -> None:
    file = JPEGS[name]
    if name == "two pictures":
        file = file[: file.index(b"\xff\xd8", 2)]
    good, small = JPEGS["baseline"], encode(bottle(), "JPEG")
    responses = model.execute([request(each) for each in (good, file[: int(kept * len(file))], small)])
    assert [response.error is not None for response in responses] == [False, True, False]
    assert responses[1].error.status == "INVALID_ARG"
    assert "1 of 1 images could not be decoded: " in str(responses[1].error)
    np.testing.assert_array_equal(pixels(responses[2]), expected(small))


@pytest.mark.parametrize("size", [(320, 240), (2016, 1512)])
def test_four_components_are_no_negative_without_adobes_marker(model: Any, size: tuple[int, int]) -> None:
    marked = encode(bottle(*size).convert("CMYK"), "JPEG", quality=95)
    for file in (marked, without_adobe(marked)):
        assert levels(ask(model, file), expected(encode(bottle(*size), "PNG"))).mean() < 3


@pytest.mark.parametrize("name", ON_WHITE)
def test_what_is_transparent_is_white(model: Any, name: str) -> None:
    # Lossless: exact but for the rounding of Pillow's two ways to put a layer onto a background.
    for shown in (ask(model, ON_WHITE[name]), expected(ON_WHITE[name])):
        assert levels(shown, on_white(cut_out(bottle()))).max() <= 1


def test_a_transparent_colour_of_a_palette_is_white(model: Any) -> None:
    picture = bottle().quantize(16)
    colour = picture.getpixel((0, 0))
    file = encode(picture, "PNG", transparency=colour)
    shown = np.asarray(picture.convert("RGB")).copy()
    shown[np.asarray(picture) == colour] = 255
    np.testing.assert_array_equal(ask(model, file)[0], resize(Image.fromarray(shown), SPECIFICATION.size))


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("write", [png, webp])
def test_exif_turns_other_formats_too(model: Any, write: Any, orientation: int) -> None:
    file = write(stored(bottle(), orientation), exif(orientation))
    np.testing.assert_array_equal(ask(model, file), expected(encode(bottle(), "PNG")))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP", "TIFF"])
def test_large_images_of_other_formats_are_those_of_training(model: Any, format: str) -> None:
    file = encode(LARGE, format)
    np.testing.assert_array_equal(ask(model, file), expected(file))


def test_small_plain_photos_and_what_is_no_image_are_left_to_dali() -> None:
    decoder = PillowDecoder(192, 1, large_jpeg=True)
    for file in (*(encode(bottle(), format) for format in ("JPEG", "PNG", "WEBP", "BMP", "TIFF")), b"no image", b""):
        assert decoder.submit(np.frombuffer(file, np.uint8)) is None


def test_a_gpu_decodes_large_jpegs_itself() -> None:
    decoder = PillowDecoder(192, 1, large_jpeg=False)
    submitted = {name: decoder.submit(np.frombuffer(file, np.uint8)) for name, file in JPEGS.items()}
    assert [name for name, decoding in submitted.items() if decoding is not None] == ["CMYK"]


def test_on_a_gpu_answers_of_pillow_join_dalis(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = load_backend("dali", monkeypatch).TritonPythonModel()
    instance.initialize(arguments(PREPROCESS))
    instance._batches = DeviceBatches(torch, "cpu")
    monkeypatch.setattr(instance, "_run", lambda samples: [torch.zeros(3, 192, 192, dtype=torch.uint8)] * len(samples))
    file = ON_WHITE["PNG"]
    by_dali, by_pillow = instance.execute([request(encode(bottle(), "JPEG")), request(file, file)])
    assert not pixels(by_dali).any()
    np.testing.assert_array_equal(pixels(by_pillow), np.concatenate([expected(file)] * 2))


def test_huge_images_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, most = [0], [0]

    def slowly(image: Image.Image, **_: bool) -> Image.Image:
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.05)
        now[0] -= 1
        return Image.new("RGB", image.size)

    monkeypatch.setattr(pillow, "rendered", slowly)
    decoder = PillowDecoder(192, 4, large_jpeg=True)
    for file, expected_most in (
        (encode(Image.new("L", (4200, 4000)), "PNG"), 1),
        (encode(Image.new("L", (4200, 4000)), "JPEG", progressive=True), 1),
        (encode(Image.new("L", (4200, 4000)), "JPEG"), 4),
    ):
        most[0] = 0
        for decoding in [decoder.submit(np.frombuffer(file, np.uint8)) for _ in range(8)]:
            assert decoding is not None
            decoding.result()
        assert most[0] == expected_most


def test_more_pixels_than_memory_can_hold_are_refused_but_for_a_jpeg_that_is_scaled() -> None:
    decoder = PillowDecoder(192, 1, large_jpeg=True)
    jpeg = decoder.submit(np.frombuffer(encode(Image.new("L", (16_320, 12_240)), "JPEG"), np.uint8))
    assert jpeg is not None
    assert jpeg.result().shape == (3, 192, 192)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")
    decoding = decoder.submit(np.frombuffer(bomb, np.uint8))
    assert decoding is not None
    with pytest.raises(OSError, match="60000 x 60000 pixels are more than"):
        decoding.result()
