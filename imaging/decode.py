"""Image files to what a browser shows of them, by Pillow."""

import numpy as np
from PIL import Image

from imaging.orientation import upright


def rendered(image: Image.Image, *, turned: bool = True) -> Image.Image:
    """Decode an opened image: its first frame in RGB, turned by its EXIF orientation, on white where it is transparent.

    Args:
        image: as opened, before its pixels are loaded.
        turned: whether it is turned.

    Raises:
        OSError: the image is broken or truncated.
    """
    try:
        image.load()
        return to_rgb(upright(image) if turned else image)
    except OSError:
        raise
    except Exception as exc:  # Pillow's plugins raise exceptions of any kind
        raise OSError(f"broken {image.format} file: {exc}") from exc


def to_rgb(image: Image.Image) -> Image.Image:
    """Return a loaded image of any mode in RGB."""
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 and makes nearly all pictures white.
        half = 257 // 2
        grey = np.minimum(np.asarray(image), np.uint16(2**16 - 1 - half))
        grey += np.uint16(half)
        grey //= np.uint16(257)
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    # A conversion to the same mode is a copy, and images may be huge.
    if image.has_transparency_data:
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        background = Image.new("RGB", image.size, "white")
        background.paste(layer, mask=layer)
        return background
    return image if image.mode == "RGB" else image.convert("RGB")
