"""Turns a decoded picture by its EXIF orientation, as the serving pipeline does."""

from PIL import Image

from imaging.tiff import orientation_of

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
    """Return how a loaded picture is turned upright; None where its EXIF says nothing or cannot be read.

    Pillow turns a TIFF itself. It would also believe XMP, which neither browsers nor the serving pipeline do.
    """
    orientation = orientation_of(image.info.get("exif") or b"")
    return None if orientation is None else _TURNS.get(orientation)


def upright(image: Image.Image) -> Image.Image:
    """Return the loaded picture turned upright."""
    turn = turn_of(image)
    return image if turn is None else image.transpose(turn)
