"""Which convolution is computed by which method."""

from types import ModuleType
from typing import Any

import pytest
import torch
from torch.nn import functional


def kernel(methods: ModuleType, *shape: int, stride: int = 1, padding: int = 1) -> Any:
    """What weights [outputs, channels, height, width] are."""
    return methods.kernel_of(torch.empty(shape), stride, padding)


@pytest.mark.parametrize(
    ("shape", "stride", "padding", "winograd", "gemm"),
    [
        ((32, 16, 3, 3), 1, 1, True, True),
        ((32, 24, 3, 3), 1, 1, False, True),
        ((32, 16, 3, 3), 2, 1, False, True),
        ((32, 16, 3, 3), 1, 0, False, True),
        ((64, 3, 7, 7), 2, 3, False, True),
        ((32, 3, 3, 3), 2, 1, False, False),  # too few inputs
        ((128, 64, 1, 1), 1, 0, False, True),
        ((128, 32, 1, 1), 1, 0, False, False),
        ((40, 64, 3, 3), 1, 1, False, False),  # no whole panels
        ((16, 64, 3, 3), 1, 1, False, False),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_what_each_method_is_for(
    methods: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    stride: int,
    padding: int,
    winograd: bool,
    gemm: bool,
    wide: bool,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": wide})
    given = kernel(methods, *shape, stride=stride, padding=padding)
    assert methods.suits_winograd(given) == winograd
    assert methods.suits_gemm(given) == (gemm and not wide)
    assert methods.suits(given) == (winograd or (gemm and not wide))


@pytest.mark.parametrize(
    ("channels", "height", "width", "step"),
    [(64, 48, 48, 4), (256, 12, 12, 4), (512, 12, 12, 2), (64, 6, 6, 2), (64, 5, 7, 4), (64, 1, 1, 2)],
)
def test_tiles_suit_image_and_weights(methods: ModuleType, channels: int, height: int, width: int, step: int) -> None:
    assert methods.tile_for(kernel(methods, channels, channels, 3, 3), height, width) == step


def test_weights_are_prepared_once_for_all_copies_of_a_network(methods: ModuleType, compile_c: Any) -> None:
    torch.manual_seed(4)
    weights, bias = torch.randn(32, 16, 3, 3) / 12, torch.randn(32)
    compiled = methods.compiled_methods(compile_c)
    names = {compiled.keep(weights), compiled.keep(weights.clone())}
    other = compiled.keep(weights + 1)
    assert len(names) == 1
    assert other not in names
    (name,) = names
    for size in (24, 6, 24, 6):
        for stride in (1, 2, 3):
            images = torch.randn(2, 16, size, size)
            result = compiled.convolve(images, name, stride, 1, bias, None, False)
            expected = functional.conv2d(images, weights, bias, stride=stride, padding=1)
            torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)
    # Tiles of two sizes, and implicit GEMM for both strides.
    assert len(compiled._prepared) == 3


def test_weights_of_another_shape_are_others(methods: ModuleType, compile_c: Any) -> None:
    compiled = methods.compiled_methods(compile_c)
    wide, tall = torch.zeros(32, 64, 1, 1), torch.zeros(64, 32, 1, 1)
    assert compiled.keep(wide) != compiled.keep(tall)
