"""Convolutions that are compiled from C for this processor; ``convolution.h`` says what such a file offers."""

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import torch

#: Compiles and loads a file of C.
Compile = Callable[..., ctypes.CDLL]

#: NHWC in memory.
_LAYOUT = torch.channels_last


class ConvolutionError(Exception):
    """There are no such convolutions on this machine, or not of such images."""


class Kernel(NamedTuple):
    """What weights [outputs, channels, rows, columns] are, and how they go over an image with zeros around it."""

    channels: int
    outputs: int
    rows: int
    columns: int
    stride: int
    padding: int

    def result(self, edge: int, kernel: int) -> int:
        """Return the edge of the result of an image's edge and the kernel's."""
        return (edge + 2 * self.padding - kernel) // self.stride + 1


class _Task(ctypes.Structure):
    """``convolution`` of ``convolution.h``."""

    _fields_ = [(name, ctypes.c_long) for name in ("photos", "height", "width", *Kernel._fields)]


class Convolution:
    """One method to convolve. Other threads of Python run meanwhile."""

    def __init__(self, library: ctypes.CDLL) -> None:
        pointer, flag = ctypes.c_void_p, ctypes.c_int
        self._prepared_floats, self._scratch_floats = library.prepared_floats, library.scratch_floats
        for size in (self._prepared_floats, self._scratch_floats):
            size.argtypes, size.restype = [ctypes.POINTER(_Task)], ctypes.c_long
        self._prepare, self._convolve = library.prepare, library.convolve
        self._prepare.argtypes, self._prepare.restype = [ctypes.POINTER(_Task), pointer, pointer], None
        images, added = (pointer, pointer), (pointer, pointer, flag)
        self._convolve.argtypes = [ctypes.POINTER(_Task), *images, *added, pointer, pointer]
        self._convolve.restype = None
        self._memory = threading.local()

    @classmethod
    def compiled(cls, compile_c: Compile, source: Path, *options: str, processor: str = "native") -> Self:
        """Return what a file of C makes of the options, for a kind of processor.

        Raises:
            ConvolutionError: it has no wide vectors.
        """
        library = compile_c(source, "-ffast-math", *options, processor=processor)
        if not library.has_vectors():
            raise ConvolutionError("this processor has neither AVX-512 nor AVX2, or the compiler does not know it")
        return cls(library)

    def prepare(self, kernel: Kernel, weights: torch.Tensor) -> torch.Tensor:
        """Return FP32 weights [outputs, channels, rows, columns] as ``convolve`` takes them."""
        weights = weights.contiguous()
        task = _task((0, 0, 0, 0), kernel)
        prepared = torch.empty(self._prepared_floats(task))
        self._prepare(task, weights.data_ptr(), prepared.data_ptr())
        return prepared

    def convolve(
        self,
        kernel: Kernel,
        weights: torch.Tensor,
        images: torch.Tensor,
        bias: torch.Tensor,
        residual: torch.Tensor | None,
        relu: bool,
    ) -> torch.Tensor:
        """Return FP32 images [N, C, H, W] convolved to [N, outputs, its H, its W].

        Args:
            kernel: what the weights are; one that the method is for.
            weights: from ``prepare``.
            images: what is convolved.
            bias: FP32 [outputs], added.
            residual: added too; in FP32 and the shape of the result it costs nothing.
            relu: whether what is below zero becomes zero.

        Raises:
            ConvolutionError: the images are not such as the kernel takes.
        """
        count, channels, height, width = images.shape
        shape = (count, kernel.outputs, kernel.result(height, kernel.rows), kernel.result(width, kernel.columns))
        if images.dtype is not torch.float or channels != kernel.channels or min(shape[2:]) < 1:
            raise ConvolutionError(f"{kernel} does not take {images.dtype} of {tuple(images.shape)}")
        if residual is not None and (residual.shape != shape or residual.dtype is not torch.float):
            result = self.convolve(kernel, weights, images, bias, None, False) + residual
            return torch.relu(result) if relu else result
        images, bias = images.contiguous(memory_format=_LAYOUT), bias.contiguous()
        added = None if residual is None else residual.contiguous(memory_format=_LAYOUT)
        result = torch.empty(shape, memory_format=_LAYOUT)
        task = _task(images.shape, kernel)
        scratch = self._room(self._scratch_floats(task))
        self._convolve(
            *(task, images.data_ptr(), weights.data_ptr(), bias.data_ptr()),
            *(None if added is None else added.data_ptr(), relu, result.data_ptr(), scratch.data_ptr()),
        )
        return result

    def _room(self, floats: int) -> torch.Tensor:
        """Return memory that this thread keeps: got and given back for each convolution it would cost page faults."""
        room: torch.Tensor | None = getattr(self._memory, "room", None)
        if room is None or len(room) < floats:
            room = self._memory.room = torch.empty(floats)
        return room


def _task(images: tuple[int, ...], kernel: Kernel) -> _Task:
    count, _, height, width = images
    return _Task(count, height, width, *kernel)
