"""What resizes decoded images on a processor: the compiled function and PyTorch's."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from embedded_triton.backends.compiler import CompilerError, compile_c
from embedded_triton.backends.dali import resize as module
from training.dataset.preprocessing import resize as training_resize

Array = np.ndarray[Any, np.dtype[Any]]


@pytest.fixture(scope="module", params=["native", "haswell"])
def compiled(request: pytest.FixtureRequest) -> module.Resize:
    """The function for this processor, and that for one that has AVX2 alone."""
    able = torch.cpu.get_capabilities()
    if not (able.get("avx2") and able.get("fma3")):
        pytest.skip("this processor has no AVX2")
    return module.compiled_resize(compile_c, request.param)


def noise(height: int, width: int) -> Array:
    return np.random.default_rng(height * 10_000 + width).integers(0, 256, (height, width, 3), np.uint8)


def expected(image: Array, size: int) -> Array:
    return training_resize(Image.fromarray(image), size).numpy()


SIZES = [
    *[(384, 512, 192), (512, 384, 192), (192, 192, 192), (1, 1, 192), (1, 2000, 192), (2000, 1, 64), (3, 5, 2)],
    *[(1200, 1600, 192), (96, 96, 192), (97, 4001, 33), (700, 300, 50), (2, 3, 1)],
]


@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_every_value_is_that_of_training(compiled: module.Resize, height: int, width: int, size: int) -> None:
    image = noise(height, width)
    np.testing.assert_array_equal(compiled(image, size), expected(image, size))


def test_so_it_is_for_any_size(compiled: module.Resize) -> None:
    sizes = random.Random(3)
    for _ in range(150):
        image = noise(sizes.randint(1, 700), sizes.randint(1, 700))
        size = sizes.choice([192, 224, 64, sizes.randint(1, 300)])
        np.testing.assert_array_equal(compiled(image, size), expected(image, size))


def test_a_processor_without_avx2_gives_them_but_for_ties() -> None:
    image = noise(384, 512)
    difference = np.abs(module.compiled_resize(compile_c, "x86_64")(image, 192).astype(int) - expected(image, 192))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.005


def test_what_lies_beside_the_image_is_not_seen(compiled: module.Resize) -> None:
    room = np.full((5, 40, 30, 3), 255, np.uint8)
    room[2] = 0
    assert not compiled(room[2], 192).any()


def test_an_image_may_lie_in_memory_as_it_likes(compiled: module.Resize) -> None:
    image = noise(60, 50)
    np.testing.assert_array_equal(compiled(image[::-1, ::2], 32), expected(image[::-1, ::2].copy(), 32))


def test_threads_do_not_disturb_one_another(compiled: module.Resize) -> None:
    images = [noise(100 + each, 300 - each) for each in range(40)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda image: compiled(image, 192), images))
    for image, result in zip(images, results, strict=True):
        np.testing.assert_array_equal(result, expected(image, 192))


def test_a_large_image_is_resized_by_pytorch_in_bands_with_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    image, resize = noise(301, 173), module.pytorch_resize()
    whole = resize(image, 192)
    np.testing.assert_array_equal(whole, expected(image, 192))
    for band in (173 * 300, 173 * 7, 1):
        monkeypatch.setattr(module, "_BAND", band)
        difference = np.abs(resize(image, 192).astype(int) - whole)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.001


def test_without_a_compiler_it_says_so() -> None:
    def fail(*_: object, **__: object) -> None:
        raise CompilerError("none here")

    with pytest.raises(CompilerError, match="none here"):
        module.compiled_resize(fail)  # type: ignore[arg-type]
