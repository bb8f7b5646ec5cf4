"""Preprocessing: the whole photo, upright, in RGB, with the pixels of Pillow and torchvision."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, UnidentifiedImageError
from torchvision.transforms import v2

from tests.support.pictures import bottle, encode, png_sixteen_bits, with_orientation
from training.dataset.preprocessing import decode, normalise, resize
from training.dataset.specification import Specification, load_specification


def test_the_specification_is_the_one_beside_dali() -> None:
    specification = load_specification()
    path = Path(__file__).parents[4] / "model_repository" / "preprocess" / "1" / "spec.json"
    assert json.loads(path.read_text(encoding="utf-8"))["size"] == specification.size


@pytest.mark.parametrize(("interpolation", "antialias"), [("cubic", True), ("linear", False)])
def test_only_the_resize_that_dali_does_alike_is_accepted(interpolation: str, antialias: bool) -> None:
    with pytest.raises(ValueError, match="linear interpolation with antialiasing"):
        Specification(192, interpolation, antialias, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


@pytest.mark.parametrize(("width", "height"), [(512, 384), (31, 33), (1, 500), (500, 1), (20_000, 1), (1, 1)])
def test_any_shape_is_squeezed_whole_into_the_square(width: int, height: int) -> None:
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    pixels = resize(decode(encode(picture, "PNG")), 192)
    assert pixels.shape == (3, 192, 192)
    assert pixels.dtype == torch.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_honoured(orientation: int) -> None:
    upright = np.asarray(bottle(64, 48), dtype=int)
    turned = np.asarray(decode(with_orientation(bottle(64, 48), orientation, "PNG")), dtype=int)
    np.testing.assert_array_equal(turned, upright)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = decode(encode(bottle().convert(mode), "TIFF"))
    assert image.mode == "RGB"
    assert image.size == bottle().size


def test_what_is_transparent_is_white_as_in_a_browser() -> None:
    picture = bottle().convert("RGBA")
    picture.putalpha(0)
    assert np.asarray(decode(encode(picture, "PNG"))).min() == 255
    picture.putalpha(Image.new("L", picture.size, 51))
    background = 0.8 * 255 + 0.2 * np.asarray(bottle(), dtype=float)
    assert np.abs(np.asarray(decode(encode(picture, "PNG"))) - background).max() <= 1


@pytest.mark.parametrize("grey", [True, False])
def test_sixteen_bits_become_eight(grey: bool) -> None:
    picture = bottle().convert("L").convert("RGB") if grey else bottle()
    read = np.asarray(decode(png_sixteen_bits(picture, grey=grey)), dtype=int)
    assert np.abs(read - np.asarray(picture, dtype=int)).max() <= 1


def test_bytes_that_are_no_image_and_broken_ones_are_os_errors() -> None:
    with pytest.raises(UnidentifiedImageError):
        decode(b"no image")
    whole = encode(bottle(), "JPEG")
    with pytest.raises(OSError, match="truncated"):
        decode(whole[: len(whole) // 2])


def test_normalising_has_the_mean_and_deviation_of_the_specification() -> None:
    specification = load_specification()
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    reference = v2.functional.normalize(pixels / 255, list(specification.mean), list(specification.std))
    torch.testing.assert_close(normalise(pixels, specification), reference, check_stride=False)
