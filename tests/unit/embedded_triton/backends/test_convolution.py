"""Compiled convolutions: each method gives what PyTorch gives, and touches nothing but its tensors."""

import importlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
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
    """Methods by the processor that they were compiled for."""
    return {}


def compile_wide(source: Path, *options: str, processor: str) -> Any:
    """Compile what AVX-512 would run to vectors of AVX2, which any processor here has."""
    return compile_c(source, *options, "-D__AVX512F__", processor=processor)


@pytest.fixture(params=["native", "haswell", "wide"])
def every_method(methods: ModuleType, compiled: dict[str, Any], request: pytest.FixtureRequest) -> Any:
    """The methods for this processor, for one that has AVX2 alone, and for longer vectors put together of those."""
    if request.param not in compiled:
        how = (compile_wide, "haswell") if request.param == "wide" else (compile_c, request.param)
        compiled[request.param] = methods.compiled_methods(*how)
    return compiled[request.param]


@pytest.fixture(params=["4x4", "2x2", "gemm"])
def method(every_method: Any, request: pytest.FixtureRequest) -> Any:
    """Winograd's method with tiles of both sizes, and implicit GEMM."""
    return every_method._gemm if request.param == "gemm" else every_method._winograd[int(request.param[0])]


@pytest.fixture
def gemm(every_method: Any) -> Any:
    """Implicit GEMM."""
    return every_method._gemm


def convolution(outputs: int, channels: int, rows: int = 3, columns: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and bias that keep values of their size."""
    return torch.randn(outputs, channels, rows, columns) / (rows * columns * channels) ** 0.5, torch.randn(outputs)


def compare(
    methods: ModuleType,
    method: Any,
    images: torch.Tensor,
    weights: torch.Tensor,
    bias: torch.Tensor,
    *,
    stride: int,
    padding: int,
    residual: bool,
    relu: bool,
) -> None:
    """The method answers as PyTorch does in double precision, whatever the layout of its images."""
    expected = functional.conv2d(images.double(), weights.double(), bias.double(), stride=stride, padding=padding)
    added = torch.randn(expected.shape) if residual else None
    expected = expected + (0 if added is None else added)
    expected = torch.relu(expected) if relu else expected
    kernel = methods.kernel_of(weights, stride, padding)
    prepared = method.prepare(kernel, weights)
    for layout in (torch.contiguous_format, torch.channels_last):
        result = method.convolve(kernel, prepared, images.contiguous(memory_format=layout), bias, added, relu)
        assert result.shape == expected.shape
        torch.testing.assert_close(result.double(), expected, rtol=0, atol=1e-4)


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
    methods: ModuleType,
    method: Any,
    photos: int,
    channels: int,
    outputs: int,
    height: int,
    width: int,
    residual: bool,
    relu: bool,
) -> None:
    weights, bias = convolution(outputs, channels)
    images = torch.randn(photos, channels, height, width)
    compare(methods, method, images, weights, bias, stride=1, padding=1, residual=residual, relu=relu)


@pytest.mark.parametrize(
    ("photos", "channels", "outputs", "height", "width", "rows", "columns", "stride", "padding"),
    [
        (1, 64, 256, 5, 7, 1, 1, 1, 0),
        (3, 1057, 80, 2, 3, 1, 1, 1, 0),  # inputs in three steps, of which the last is shorter
        (2, 96, 1072, 4, 3, 1, 1, 2, 0),  # outputs in stripes
        (5, 530, 48, 12, 12, 1, 1, 1, 0),  # photos in blocks of two, two and one
        (5, 200, 176, 22, 21, 3, 3, 2, 1),  # rows of the kernel in steps, blocks with a border
        (2, 3, 64, 21, 18, 7, 7, 2, 3),
        (1, 5, 48, 9, 11, 5, 2, 3, 2),
        (2, 7, 32, 4, 4, 3, 1, 1, 4),  # results that see nothing but the border
        (1, 1, 112, 1, 1, 1, 1, 1, 0),
    ],
)
@pytest.mark.parametrize("residual", [False, True])
def test_implicit_gemm_takes_any_kernel(
    methods: ModuleType,
    gemm: Any,
    photos: int,
    channels: int,
    outputs: int,
    height: int,
    width: int,
    rows: int,
    columns: int,
    stride: int,
    padding: int,
    residual: bool,
) -> None:
    weights, bias = convolution(outputs, channels, rows, columns)
    images = torch.randn(photos, channels, height, width)
    compare(methods, gemm, images, weights, bias, stride=stride, padding=padding, residual=residual, relu=residual)


def test_it_stays_within_its_tensors(methods: ModuleType, method: Any) -> None:
    """Edges of photos are not full: nothing beside them is read into results, or written."""
    weights, bias = convolution(32, 32)
    kernel = methods.kernel_of(weights, 1, 1)
    room = torch.full((3, 6, 5, 32), torch.nan)
    room[1] = 1.0
    images = room[1:2].permute(0, 3, 1, 2)
    result = method.convolve(kernel, method.prepare(kernel, weights), images, bias, None, False)
    assert not result.isnan().any()
    task = importlib.import_module("embedded_triton.backends.pytorch.convolution")._task(images.shape, kernel)
    results = torch.full((3, 6, 5, 32), 7.0)
    scratch, prepared = (
        torch.full((3, floats(task)), 7.0) for floats in (method._scratch_floats, method._prepared_floats)
    )
    method._prepare(task, weights.data_ptr(), prepared[1].data_ptr())
    pointers = (each.data_ptr() for each in (images, prepared[1], bias))
    method._convolve(task, *pointers, None, False, results[1].data_ptr(), scratch[1].data_ptr())
    for beside in (results, scratch, prepared):
        assert (beside[0] == 7).all()
        assert (beside[2] == 7).all()
    torch.testing.assert_close(results[1:2].permute(0, 3, 1, 2), result)


def test_what_is_added_may_have_another_shape(methods: ModuleType, method: Any) -> None:
    weights, bias = convolution(32, 16)
    kernel = methods.kernel_of(weights, 1, 1)
    images, added = torch.randn(2, 16, 6, 6), torch.randn(1, 32, 1, 1)
    result = method.convolve(kernel, method.prepare(kernel, weights), images, bias, added, True)
    expected = torch.relu(functional.conv2d(images, weights, bias, padding=1) + added)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)


def test_threads_do_not_disturb_each_other(methods: ModuleType, method: Any) -> None:
    weights, bias = convolution(64, 64)
    kernel = methods.kernel_of(weights, 1, 1)
    prepared = method.prepare(kernel, weights)
    photos = [torch.randn(1, 64, 20, 20) for _ in range(24)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda photo: method.convolve(kernel, prepared, photo, bias, None, False), photos))
    for photo, result in zip(photos, results, strict=True):
        torch.testing.assert_close(result, functional.conv2d(photo, weights, bias, padding=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("added", [torch.ones(2, 32, 6, 6, dtype=torch.uint8), torch.ones(2, 32, 6, 6).double()])
def test_what_is_added_may_have_another_type(methods: ModuleType, gemm: Any, added: torch.Tensor) -> None:
    weights, bias = convolution(32, 16)
    kernel = methods.kernel_of(weights, 1, 1)
    images = torch.randn(2, 16, 6, 6)
    result = gemm.convolve(kernel, gemm.prepare(kernel, weights), images, bias, added, True)
    expected = torch.relu(functional.conv2d(images, weights, bias, padding=1) + added)
    assert result.dtype == expected.dtype
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)


def test_a_bias_may_lie_anywhere(methods: ModuleType, method: Any) -> None:
    weights, _ = convolution(32, 16)
    kernel = methods.kernel_of(weights, 1, 1)
    images, bias = torch.randn(1, 16, 6, 6), torch.ones(1).expand(32)
    result = method.convolve(kernel, method.prepare(kernel, weights), images, bias, None, False)
    torch.testing.assert_close(result, functional.conv2d(images, weights, bias, padding=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "images",
    [torch.zeros(1, 16, 1, 4), torch.zeros(1, 16, 4, 0), torch.zeros(1, 32, 4, 4), torch.zeros(1, 16, 4, 4).double()],
)
def test_images_that_it_does_not_take_are_refused(methods: ModuleType, gemm: Any, images: torch.Tensor) -> None:
    weights, bias = convolution(32, 16)
    kernel = methods.kernel_of(weights, 2, 0)
    module = importlib.import_module("embedded_triton.backends.pytorch.convolution")
    with pytest.raises(module.ConvolutionError, match="does not take"):
        gemm.convolve(kernel, gemm.prepare(kernel, weights), images, bias, None, False)
