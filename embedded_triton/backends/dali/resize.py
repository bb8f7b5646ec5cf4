"""Resizes decoded images on a processor, as for training: by ``resize.c``, or where that can not be by PyTorch."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
#: An image that knows DLPack, UINT8 [height, width, 3], and a size to UINT8 [3, size, size].
Resize = Callable[[Any, int], Array]

_SOURCE = Path(__file__).with_name("resize.c")
#: Pixels that PyTorch resizes in one go: their floating-point values take 12 MiB.
_BAND = 2**20


def compiled_resize(compile_c: Callable[..., ctypes.CDLL], processor: str = "native") -> Resize:
    """Return the compiled function, which lets other threads of Python run meanwhile; PyTorch takes four times as long.

    Args:
        compile_c: compiles and loads a file of C.
        processor: what for.
    """
    # Products and sums at once, but where the file forbids it.
    library = compile_c(_SOURCE, "-ffp-contract=on", processor=processor)
    pointer, size = ctypes.c_void_p, ctypes.c_long
    library.resize_scratch.argtypes, library.resize_scratch.restype = [size] * 3, size
    library.resize.argtypes, library.resize.restype = [pointer, size, size, size, pointer, pointer], None

    def resize(image: Any, size: int) -> Array:
        pixels = np.ascontiguousarray(np.from_dlpack(image))
        height, width, _ = pixels.shape
        result = np.empty((3, size, size), np.uint8)
        scratch = np.empty(library.resize_scratch(height, width, size), np.uint8)
        library.resize(pixels.ctypes.data, height, width, size, result.ctypes.data, scratch.ctypes.data)
        return result

    return resize


def pytorch_resize() -> Resize:
    """Return PyTorch's function, on one thread.

    A large image is first made narrow, band by band, so that no more than one band of it has to be in memory as
    floating-point numbers.
    """
    # Only here: in this process PyTorch costs memory.
    import torch

    def interpolated(pixels: torch.Tensor, height: int, width: int) -> torch.Tensor:
        return torch.nn.functional.interpolate(pixels.float(), (height, width), mode="bilinear", antialias=True)

    def resize(image: Any, size: int) -> Array:
        torch.set_num_threads(1)
        pixels = torch.utils.dlpack.from_dlpack(image).permute(2, 0, 1)[None]
        bands = torch.split(pixels, max(1, _BAND // pixels.shape[-1]), dim=-2)
        if len(bands) > 1:
            pixels = torch.cat([interpolated(band, band.shape[-2], size) for band in bands], dim=-2)
        # An image of one pixel comes out with its channels last.
        return interpolated(pixels, size, size)[0].round().to(torch.uint8).contiguous().numpy()

    return resize
