"""Drawn photos, for machines where no real ones are: of TrashNet's size, and of 12 megapixels as phones make them."""

import io

import numpy as np
from PIL import Image

SIZE, LARGE_SIZE = (512, 384), (4000, 3000)
#: Cells along the height of each layer of detail, and its strength in levels of 255.
_LAYERS = ((3, 60), (12, 30), (48, 15), (192, 9))


def drawn_photos(count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> list[bytes]:
    """Draw JPEG files with detail at every scale but no noise, no two alike: about 40 KB each in the smaller size.

    Args:
        count: how many.
        size: width and height in pixels.
        seed: the same seed gives the same files.
    """
    generator = np.random.default_rng(seed)
    return [_drawn(generator, *size) for _ in range(count)]


def _drawn(generator: np.random.Generator, width: int, height: int) -> bytes:
    pixels = np.full((height, width, 3), 128, np.float32)
    # A larger photo has one finer layer.
    for side, strength in (*_LAYERS, *(((768, 5),) if height > 1000 else ())):
        coarse = generator.integers(0, 256, (side, side * width // height, 3), dtype=np.uint8)
        layer = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        pixels += (np.asarray(layer, np.float32) - 127.5) * (strength / 127.5)
    output = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(output, "JPEG", quality=90)
    return output.getvalue()
