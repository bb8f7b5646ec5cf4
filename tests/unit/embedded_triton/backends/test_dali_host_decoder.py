"""What the DALI backend decodes without DALI: JPEG, large images, transparency, EXIF beside JPEG."""

import random
import struct
import threading
import time
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from embedded_triton.backends.dali import host_decoder
from embedded_triton.backends.dali.batches import DeviceBatches
from embedded_triton.backends.dali.host_decoder import HostDecoder
from imaging.jpeg import DAMAGED, with_extraneous_bytes
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
from tests.unit.embedded_triton.backends.pytorch_backend import Request

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


def noisy(width: int, height: int, **options: Any) -> bytes:
    """A JPEG with something everywhere, as photos have."""
    shown = np.asarray(bottle(width, height), dtype=int)
    noise = np.random.default_rng(0).integers(-25, 25, shown.shape)
    return encode(Image.fromarray(np.clip(shown + noise, 0, 255).astype(np.uint8)), "JPEG", quality=90, **options)


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
    monkeypatch.setattr(host_decoder, "resize", lambda image, *_: sizes.append(image.size))
    decoder = HostDecoder(192, 1, takes_jpeg=True)
    for width, height in ((2016, 1512), (4032, 3024), (3072, 3072), (3071, 3072), (767, 3000), (8001, 383)):
        decoding = decoder.submit(np.frombuffer(encode(Image.new("L", (width, height)), "JPEG"), np.uint8))
        assert decoding is not None
        decoding.pixels.result()
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
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": "4:4:4"}], ids=str)
def test_a_damaged_jpeg_fails_alone_and_says_so(model: Any, size: tuple[int, int], options: dict[str, Any]) -> None:
    whole = noisy(*size, **options)
    start = whole.index(b"\xff\xda") + 1000
    good = encode(bottle(), "JPEG")
    for damaged in (
        whole[:start] + random.Random(0).randbytes(3000) + whole[start + 3000 :],
        whole[: len(whole) // 2] + b"\xff\xd9",
        with_extraneous_bytes(whole),
    ):
        first, second, third = model.execute([request(good), request(damaged), request(damaged, damaged)])
        np.testing.assert_array_equal(pixels(first), expected(good))
        assert f"1 of 1 images could not be decoded: {DAMAGED} (" in str(second.error)
        assert "2 of 2 images" in str(third.error)
    inks = encode(bottle(*size).convert("CMYK"), "JPEG", quality=95)
    (response,) = model.execute([request(with_extraneous_bytes(inks))])
    assert DAMAGED in str(response.error)


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=str)
@pytest.mark.parametrize("behind", [b"", b"\xff\xd9SEFHSEFT", b"abcdefgh\xff\xd9", bytes(100) + b"\xff\xd9"])
def test_what_cameras_leave_behind_a_scan_or_leave_out_is_no_damage(
    model: Any, options: dict[str, Any], behind: bytes
) -> None:
    whole = noisy(320, 240, **options)
    np.testing.assert_array_equal(ask(model, whole[:-2] + behind), expected(whole))


def test_a_jpeg_that_turbojpeg_does_not_take_is_decoded_by_pillow(model: Any) -> None:
    for whole in (encode(bottle(), "JPEG"), JPEGS["baseline"]):
        odd = whole.replace(b"JFIF\0\1", b"JFIF\0\x09")  # a revision to come: libjpeg warns
        np.testing.assert_array_equal(ask(model, odd), ask(model, whole))


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


def test_a_palette_that_is_missing_spoils_no_other_image(model: Any) -> None:
    good = encode(bottle(), "PNG")
    whole = encode(bottle().quantize(16), "PNG")
    at = whole.index(b"PLTE") - 4
    without = whole[:at] + whole[at + 12 + int.from_bytes(whole[at : at + 4], "big") :]
    before, broken, after = model.execute([request(good), request(without), request(good)])
    assert broken.error is not None
    assert broken.error.status == "INVALID_ARG"
    for response in (before, after):
        np.testing.assert_array_equal(pixels(response), expected(good))


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
    decoder = HostDecoder(192, 1, takes_jpeg=True)
    for file in (*(encode(bottle(), format) for format in ("PNG", "WEBP", "BMP", "TIFF")), b"no image", b""):
        assert decoder.submit(np.frombuffer(file, np.uint8)) is None


def test_a_gpu_decodes_jpeg_itself() -> None:
    decoder = HostDecoder(192, 1, takes_jpeg=False)
    submitted = {name: decoder.submit(np.frombuffer(file, np.uint8)) for name, file in JPEGS.items()}
    assert [name for name, decoding in submitted.items() if decoding is not None] == ["CMYK"]


def test_on_a_gpu_answers_of_pillow_join_dalis(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = load_backend("dali", monkeypatch).TritonPythonModel()
    instance.initialize(arguments(PREPROCESS))
    instance._batches = DeviceBatches(torch, "cpu")
    monkeypatch.setattr(instance, "_run", lambda samples: [torch.zeros(3, 192, 192, dtype=torch.uint8)] * len(samples))
    file = ON_WHITE["PNG"]
    by_dali, by_pillow = instance.execute([request(encode(bottle(), "BMP")), request(file, file)])
    assert not pixels(by_dali).any()
    np.testing.assert_array_equal(pixels(by_pillow), np.concatenate([expected(file)] * 2))


def test_huge_images_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, most, expected_most = [0], [0], 0

    def slowly(*_: object) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        began = time.monotonic()
        while most[0] < expected_most and time.monotonic() < began + 10:
            time.sleep(0.01)
        time.sleep(0.05)
        now[0] -= 1

    monkeypatch.setattr(host_decoder, "resize", slowly)
    decoder = HostDecoder(192, 4, takes_jpeg=True)
    for file, expected_most in (
        (encode(Image.new("L", (4200, 4000)), "PNG"), 1),
        (encode(Image.new("L", (4200, 4000)), "JPEG", progressive=True), 1),
        (encode(Image.new("L", (4200, 4000)), "JPEG"), 4),
    ):
        most[0] = 0
        for decoding in [decoder.submit(np.frombuffer(file, np.uint8)) for _ in range(8)]:
            assert decoding is not None
            decoding.pixels.result()
        assert most[0] == expected_most


def test_a_huge_image_is_answered_by_itself_and_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve of 64 megapixels in one batch looked like a server that stands still, and it was restarted."""
    go_on = threading.Event()

    def slowly(image: Image.Image, *more: Any) -> Any:
        assert image.width < 4200 or go_on.wait(20)
        return resize(image, *more)

    monkeypatch.setattr(host_decoder, "resize", slowly)
    model = load_backend("dali", monkeypatch).TritonPythonModel()
    model.initialize(arguments(PREPROCESS))
    huge = encode(Image.new("L", (4200, 4000)), "PNG")
    files = (huge, JPEGS["baseline"], huge[:-200], ON_WHITE["PNG"])
    requests = [Request(**request(file)) for file in files]
    first, second, third, fourth = model.execute(requests)
    assert (first, third) == (None, None)
    for response in (second, fourth):
        assert pixels(response).shape == (1, 3, 192, 192)
    assert requests[0].sent.empty()
    go_on.set()
    model.finalize()
    assert pixels(requests[0].sent.get(timeout=20)).max() == 0
    assert "1 of 1 images could not be decoded" in str(requests[2].sent.get(timeout=20).error)


def test_more_pixels_than_memory_can_hold_are_refused_but_for_a_jpeg_that_is_scaled() -> None:
    decoder = HostDecoder(192, 1, takes_jpeg=True)
    jpeg = decoder.submit(np.frombuffer(encode(Image.new("L", (16_320, 12_240)), "JPEG"), np.uint8))
    assert jpeg is not None
    assert jpeg.pixels.result().shape == (3, 192, 192)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")
    decoding = decoder.submit(np.frombuffer(bomb, np.uint8))
    assert decoding is not None
    with pytest.raises(OSError, match="60000 x 60000 pixels are more than"):
        decoding.pixels.result()
