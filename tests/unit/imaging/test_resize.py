"""The one resize: PyTorch's bytes, for every size, whatever other threads do."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.resize import resize

Array = np.ndarray[Any, np.dtype[Any]]
SIZES = [
    *[(384, 512, 192), (512, 384, 192), (192, 192, 192), (1, 1, 192), (1, 2000, 192), (2000, 1, 64), (3, 5, 2)],
    *[(1200, 1600, 224), (96, 96, 192), (97, 4001, 33), (700, 300, 50), (2, 3, 1), (1280, 720, 192)],
]


def noise(height: int, width: int) -> Image.Image:
    return Image.fromarray(
        np.random.default_rng(height * 10_000 + width).integers(0, 256, (height, width, 3), np.uint8)
    )


def expected(image: Image.Image, size: int) -> Array:
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)[0].numpy()


@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_every_byte_is_pytorchs(height: int, width: int, size: int) -> None:
    image = noise(height, width)
    result = resize(image, size)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, expected(image, size))


def test_so_it_is_for_any_size() -> None:
    sizes = random.Random(3)
    for _ in range(100):
        image = noise(sizes.randint(1, 700), sizes.randint(1, 700))
        size = sizes.choice([192, 224, 64, sizes.randint(1, 300)])
        np.testing.assert_array_equal(resize(image, size), expected(image, size))


def test_pillow_gives_the_same_but_for_a_level_here_and_there() -> None:
    """What would take the library's place."""
    image, bilinear = noise(384, 512), Image.Resampling.BILINEAR
    squares = image.resize((192, 384), bilinear).resize((192, 192), bilinear)
    difference = np.abs(np.asarray(squares).transpose(2, 0, 1).astype(int) - resize(image, 192))
    assert difference.max() <= 1
    assert difference.mean() < 0.01


def test_threads_do_not_disturb_one_another() -> None:
    images = [noise(300 + 7 * number, 400 - 5 * number) for number in range(16)]
    alone = [resize(image, 192) for image in images]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for one, other in zip(alone, pool.map(lambda image: resize(image, 192), images), strict=True):
                np.testing.assert_array_equal(one, other)


def test_the_image_stays_as_it_is() -> None:
    image = noise(30, 40)
    before = image.copy()
    resize(image, 16)
    assert image == before
