"""Cut a thing out of a photo with a nearly plain background, as a studio's, so that it can lie elsewhere."""

import numpy as np
from scipy import ndimage

Array = np.ndarray

#: Width of the frame, as a share of the edge, that is taken for background.
_FRAME = 0.045
#: Distance from the background, of 1, from which a pixel belongs to the thing; above ``_LARGEST`` it is not plain.
_SMALLEST, _LARGEST = 0.055, 0.16
#: Shares of the photo that a thing may cover.
_COVERED = (0.06, 0.85)
#: A part of the thing that is smaller than this share of the photo is a speck.
_SPECK = 0.02


def cut_out(photo: Array) -> Array | None:
    """Return how much each pixel belongs to the thing, FP32 [H, W] from 0 to 1; None where the background is not plain.

    The background is a surface of second degree for each channel, fitted to the frame of the photo without outliers;
    light that falls off towards a corner is part of it. What differs from the background is the thing.

    Args:
        photo: UINT8 [H, W, 3].
    """
    values = photo.astype(np.float32) / 255
    height, width, _ = values.shape
    frame = max(2, round(_FRAME * min(height, width)))
    border = np.ones((height, width), dtype=bool)
    border[frame:-frame, frame:-frame] = False
    y, x = np.mgrid[0:height, 0:width] / np.array([height - 1, width - 1]).reshape(2, 1, 1) - 0.5
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)
    background = border
    for _ in range(4):
        surface, *_ = np.linalg.lstsq(terms[background], values[background], rcond=None)
        distance = np.abs(values - terms @ surface).max(axis=-1)
        spread = float(np.median(distance[background])) * 1.4826 + 0.004
        background = border & (distance < max(0.04, 2.5 * spread))
        if background.sum() < 0.35 * border.sum():
            return None
    threshold = max(_SMALLEST, 4 * spread)
    if threshold > _LARGEST:
        return None
    thing = ndimage.binary_closing(distance > threshold, iterations=4)
    thing = ndimage.binary_opening(ndimage.binary_fill_holes(thing), iterations=2)
    parts, count = ndimage.label(thing)
    sizes = np.asarray(ndimage.sum(thing, parts, range(1, count + 1)))
    thing = np.isin(parts, np.flatnonzero(sizes > _SPECK * height * width) + 1)
    if not _COVERED[0] < thing.mean() < _COVERED[1]:
        return None
    return np.asarray(ndimage.gaussian_filter(thing.astype(np.float32), 1.2))
