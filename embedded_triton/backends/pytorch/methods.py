"""Which convolutions of a network are computed on a processor by which method, because PyTorch's take longer."""

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import torch

from embedded_triton.backends.pytorch.convolution import Compile, Convolution, Kernel

OPERATOR = "bin_it_right::convolution"
_SCHEMA = "(Tensor images, int weights, int stride, int padding, Tensor bias, Tensor? residual, bool relu) -> Tensor"
_FOLDER = Path(__file__).parent
#: The edge of Winograd's tiles: of 4x4 results they want fewest products, but weights four times as large as they were;
#: of 2x2, not quite twice.
_STEPS = (4, 2)
#: Weights that are larger than this for tiles of 4x4 results come from memory every time: then 2x2 are faster.
_MOST_BYTES = 16 << 20
#: Of fewer inputs for a result, as where an image has only its colours, implicit GEMM makes too short products.
_LEAST_INPUTS = 64


class Methods:
    """Computes each convolution by the method that suits it. Copies of a network share what is made of weights."""

    def __init__(self, winograd: dict[int, Convolution], gemm: Convolution) -> None:
        """Take Winograd's method by the edge of its tiles, and implicit GEMM."""
        self._winograd, self._gemm = winograd, gemm
        self._weights: dict[int, torch.Tensor] = {}
        self._prepared: dict[tuple[int, Convolution], torch.Tensor] = {}
        self._chosen: dict[tuple[int, ...], Callable[..., torch.Tensor]] = {}

    def keep(self, weights: torch.Tensor) -> int:
        """Return by what name ``convolve`` knows FP32 weights [outputs, channels, H, W]; equal ones have the same."""
        content = repr(weights.shape).encode() + weights.contiguous().numpy().tobytes()
        name = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), signed=True)
        self._weights[name] = weights
        return name

    def convolve(
        self,
        images: torch.Tensor,
        weights: int,
        stride: int,
        padding: int,
        bias: torch.Tensor,
        residual: torch.Tensor | None,
        relu: bool,
    ) -> torch.Tensor:
        """As ``Convolution.convolve``, with weights by the name that ``keep`` gave them."""
        height, width = images.shape[2:]
        wanted = (weights, stride, padding, height, width)
        chosen = self._chosen.get(wanted)
        if chosen is None:
            chosen = self._chosen[wanted] = self._choose(*wanted)
        return chosen(images, bias, residual, relu)

    def _choose(self, name: int, stride: int, padding: int, height: int, width: int) -> Callable[..., torch.Tensor]:
        weights = self._weights[name]
        kernel = kernel_of(weights, stride, padding)
        method = self._winograd[tile_for(kernel, height, width)] if suits_winograd(kernel) else self._gemm
        if (name, method) not in self._prepared:
            self._prepared[name, method] = method.prepare(kernel, weights)
        return partial(method.convolve, kernel, self._prepared[name, method])


def kernel_of(weights: torch.Tensor, stride: int, padding: int) -> Kernel:
    """Return what weights [outputs, channels, height, width] are."""
    outputs, channels, rows, columns = weights.shape
    return Kernel(channels, outputs, rows, columns, stride, padding)


def suits(kernel: Kernel) -> bool:
    """Return whether a method takes less time for the kernel than PyTorch's, on this processor."""
    return suits_winograd(kernel) or suits_gemm(kernel)


def suits_winograd(kernel: Kernel) -> bool:
    """Return whether Winograd's method can compute it: 3x3 over all pixels, in whole vectors."""
    known = (kernel.rows, kernel.columns, kernel.stride, kernel.padding) == (3, 3, 1, 1)
    return known and kernel.channels % 16 == 0 and _fills_panels(kernel)


def suits_gemm(kernel: Kernel) -> bool:
    """Return whether implicit GEMM gains, and can compute it.

    With AVX-512 it was not measured against oneDNN's yet.
    """
    wide: bool = torch.cpu.get_capabilities().get("avx512_f", False)
    return not wide and kernel.channels * kernel.rows * kernel.columns >= _LEAST_INPUTS and _fills_panels(kernel)


def _fills_panels(kernel: Kernel) -> bool:
    return bool(kernel.outputs % 16 == 0 and kernel.outputs >= 32)


def tile_for(kernel: Kernel, height: int, width: int) -> int:
    """Return the edge of Winograd's tiles, 4 or 2 results, for a kernel and an image of that size."""
    large, small = (-(-height // step) * -(-width // step) * (step + 2) ** 2 for step in _STEPS)
    bytes_of_large = 36 * kernel.outputs * kernel.channels * torch.float.itemsize
    return 2 if small <= large or bytes_of_large > _MOST_BYTES else 4


def compiled_methods(compile_c: Compile, processor: str = "native") -> Methods:
    """Compile the methods for a kind of processor.

    Raises:
        ConvolutionError: it has no wide vectors.
    """
    compiled = partial(Convolution.compiled, compile_c, processor=processor)
    winograd = {step: compiled(_FOLDER / "winograd.c", f"-DSTEP={step}") for step in _STEPS}
    return Methods(winograd, compiled(_FOLDER / "implicit_gemm.c"))


@cache
def methods(compile_c: Compile) -> Methods:
    """Return the methods, compiled for this processor, and known to PyTorch as ``OPERATOR``.

    Raises:
        ConvolutionError: the processor has no wide vectors.
    """
    compiled = compiled_methods(compile_c)
    torch.library.define(OPERATOR, _SCHEMA)
    torch.library.impl(OPERATOR, "CPU", compiled.convolve)
    return compiled
