"""The one preprocessing specification, by Pillow and PyTorch; Triton's `preprocess` decodes with DALI."""

import io
from functools import cache
from pathlib import Path

import pillow_heif
import torch
from PIL import Image

import imaging.resize
from imaging.decode import rendered
from training.dataset.specification import Specification
from training.dataset.transfer import to_device


def decode(source: bytes | Path) -> Image.Image:
    """Decode the first frame of an image file to RGB, upright, on white where it is transparent.

    Raises:
        PIL.UnidentifiedImageError: the bytes are no image.
        OSError: the image is broken or truncated.
    """
    _accept_heif()
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            return rendered(image)
    except OSError:
        raise
    except Exception as exc:  # Pillow's readers raise exceptions of any kind, ValueError and SyntaxError too
        raise OSError(f"{exc or type(exc).__name__}") from exc


@cache
def _accept_heif() -> None:
    """Let Pillow read what phones send; AVIF it reads by itself."""
    pillow_heif.register_heif_opener(thumbnails=False)


def resize(image: Image.Image, size: int) -> torch.Tensor:
    """Return the whole RGB image as UINT8 [3, size, size], by the resize that serves on a CPU too."""
    return torch.from_numpy(imaging.resize.resize(image, size))


def normalise(pixels: torch.Tensor, specification: Specification) -> torch.Tensor:
    """Turn pixels on the scale 0 to 255, [N, 3, H, W], into the FP32 tensor that the networks take."""
    mean, std = (
        to_device(torch.tensor(values).view(1, 3, 1, 1), pixels.device)
        for values in (specification.mean, specification.std)
    )
    return standardised(pixels, mean, std).contiguous(memory_format=torch.channels_last)


def standardised(pixels: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Return pixels (0 to 255) on the scale 0 to 1, less ``mean`` and divided by ``std``, in FP32."""
    return (pixels.float() / 255 - mean) / std
