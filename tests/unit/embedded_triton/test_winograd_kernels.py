"""3x3 convolutions by Winograd's method: the compiled kernels."""

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.nn import functional

from embedded_triton.backends.compiler import compile_c


@pytest.fixture(autouse=True)
def same_noise_every_time() -> None:
    torch.manual_seed(4)


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    """Kernels by the size of their tiles and the processor that they were compiled for."""
    return {}


@pytest.fixture(params=["native", "haswell"])
def processor(request: pytest.FixtureRequest) -> Any:
    """This processor, and one that has AVX2 alone."""
    return request.param


@pytest.fixture(params=[4, 2])
def kernels(winograd: ModuleType, compiled: dict[str, Any], processor: str, request: pytest.FixtureRequest) -> Any:
    """The kernels for tiles of 4x4 and of 2x2 results."""
    key = f"{request.param} {processor}"
    if key not in compiled:
        compiled[key] = winograd.Tiles.compiled(compile_c, request.param, processor)
    return compiled[key]


def convolution(outputs: int, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and bias that keep values of their size."""
    return torch.randn(outputs, channels, 3, 3) / (3 * channels**0.5), torch.randn(outputs)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(
    ("photos", "channels", "outputs", "height", "width"),
    [
        (1, 32, 48, 5, 7),
        (3, 16, 32, 1, 1),
        (2, 48, 80, 12, 9),
        (1, 64, 96, 33, 6),
        (5, 16, 112, 4, 4),
        (2, 80, 80, 24, 24),
    ],
)
def test_it_is_the_convolution(
    kernels: Any, photos: int, channels: int, outputs: int, height: int, width: int, residual: bool, relu: bool
) -> None:
    weights, bias = convolution(outputs, channels)
    images = torch.randn(photos, channels, height, width)
    added = torch.randn(photos, outputs, height, width) if residual else None
    expected = functional.conv2d(images.double(), weights.double(), bias.double(), padding=1)
    expected = expected + (0 if added is None else added)
    expected = torch.relu(expected) if relu else expected
    prepared = kernels.prepare(weights)
    for layout in (torch.contiguous_format, torch.channels_last):
        result = kernels.convolve(images.contiguous(memory_format=layout), prepared, bias, added, relu)
        assert result.shape == expected.shape
        torch.testing.assert_close(result.double(), expected, rtol=0, atol=1e-4)


def test_it_stays_within_its_tensors(kernels: Any) -> None:
    """The edges of photos are tiles that are not full: nothing beside them is read into results, or written."""
    weights, bias = convolution(32, 32)
    room = torch.full((3, 6, 5, 32), torch.nan)
    room[1] = 1.0
    images = room[1:2].permute(0, 3, 1, 2)
    result = kernels.convolve(images, kernels.prepare(weights), bias, None, False)
    assert not result.isnan().any()
    results = torch.full((3, 6, 5, 32), 7.0)
    scratch = torch.empty(kernels._scratch(32, 32))
    pointers = (images.data_ptr(), kernels.prepare(weights), bias, results[1], scratch)
    photo, prepared, added, to, beside = (each if isinstance(each, int) else each.data_ptr() for each in pointers)
    kernels._convolve(photo, 1, 6, 5, 32, prepared, 32, added, None, False, to, beside)
    assert (results[0] == 7).all()
    assert (results[2] == 7).all()
    torch.testing.assert_close(results[1:2].permute(0, 3, 1, 2), result)


def test_what_is_added_may_have_another_shape(kernels: Any) -> None:
    weights, bias = convolution(32, 16)
    images, added = torch.randn(2, 16, 6, 6), torch.randn(1, 32, 1, 1)
    result = kernels.convolve(images, kernels.prepare(weights), bias, added, True)
    torch.testing.assert_close(result, torch.relu(functional.conv2d(images, weights, bias, padding=1) + added))


def test_threads_do_not_disturb_each_other(kernels: Any) -> None:
    weights, bias = convolution(64, 64)
    prepared = kernels.prepare(weights)
    photos = [torch.randn(1, 64, 20, 20) for _ in range(24)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda photo: kernels.convolve(photo, prepared, bias, None, False), photos))
    for photo, result in zip(photos, results, strict=True):
        torch.testing.assert_close(result, functional.conv2d(photo, weights, bias, padding=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((32, 32, 5, 5), torch.float),
        ((32, 32, 1, 1), torch.float),
        ((32, 24, 3, 3), torch.float),
        ((40, 32, 3, 3), torch.float),
        ((16, 32, 3, 3), torch.float),
        ((32, 32, 3, 3), torch.half),
    ],
)
def test_other_weights_are_left_to_pytorch(winograd: ModuleType, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    assert not winograd.Kernels.take(torch.zeros(shape, dtype=dtype))
    assert winograd.Kernels.take(torch.zeros(32, 16, 3, 3))


@pytest.mark.parametrize(
    ("channels", "height", "width", "step"),
    [(64, 48, 48, 4), (256, 12, 12, 4), (512, 12, 12, 2), (64, 6, 6, 2), (64, 5, 7, 4), (64, 1, 1, 2)],
)
def test_tiles_suit_image_and_weights(winograd: ModuleType, channels: int, height: int, width: int, step: int) -> None:
    assert winograd.step_for(torch.zeros(channels, channels, 3, 3), height, width) == step


def test_weights_are_transformed_once_for_all_copies_of_a_network(winograd: ModuleType) -> None:
    weights, bias = convolution(32, 16)
    kernels = winograd.Kernels({step: winograd.Tiles.compiled(compile_c, step) for step in (4, 2)})
    names = {kernels.keep(weights), kernels.keep(weights.clone())}
    other = kernels.keep(weights + 1)
    assert len(names) == 1
    assert other not in names
    (name,) = names
    for size in (24, 6, 24, 6):
        images = torch.randn(2, 16, size, size)
        result = kernels.convolve(images, name, bias, None, False)
        torch.testing.assert_close(result, functional.conv2d(images, weights, bias, padding=1), rtol=1e-4, atol=1e-4)
    assert set(kernels._prepared) == {(name, 4), (name, 2)}
