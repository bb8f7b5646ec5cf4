"""Turns a decoded picture by its EXIF orientation, as the serving pipeline does."""

from PIL import Image

_ORIENTATION = 0x0112
# Where else Pillow looks for an orientation. Neither browsers nor the serving pipeline do.
_OTHER_SOURCES = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """Return how an opened picture is turned upright; None where its EXIF says nothing or cannot be read."""
    for name in _OTHER_SOURCES:
        image.info.pop(name, None)
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # Pillow's reader raises exceptions of any kind; the picture can be shown all the same
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def upright(image: Image.Image) -> Image.Image:
    """Return the loaded picture turned upright."""
    turn = turn_of(image)
    return image if turn is None else image.transpose(turn)
