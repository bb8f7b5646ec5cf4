"""Shapes and development of the renderings: what needs no Blender."""

import numpy as np
import pytest

from scripts.renderings.development import Development, developed
from scripts.renderings.surfaces import crumpled, normals, revolved, sheet, smoothed


def test_crumpling_neither_stretches_nor_tears() -> None:
    flat = sheet(20.0, 30.0, 61, 91).vertices
    bent = crumpled(flat, rounds=3, tilt=(0.2, 0.42), seed=2)
    for axis in (0, 1):
        step, edges = (
            np.linalg.norm(np.diff(flat, axis=axis), axis=-1),
            np.linalg.norm(np.diff(bent, axis=axis), axis=-1),
        )
        # An edge that a crease crosses is shorter as the crow flies; none is longer.
        assert (edges <= step + 1e-9).all()
        assert np.isclose(edges, step).mean() > 0.4
    assert np.ptp(bent[..., 2]) > 1
    assert np.ptp(bent[..., 0]) < np.ptp(flat[..., 0])


def test_surfaces_of_revolution_face_outwards() -> None:
    tube = revolved(np.array(((2.0, 0.0), (2.0, 1.0), (2.0, 5.0))), segments=36)
    assert np.allclose(np.hypot(tube.vertices[..., 0], tube.vertices[..., 1]), 2.0)
    outward = (normals(tube.vertices) * tube.vertices * (1, 1, 0)).sum(axis=-1)
    assert outward.min() > 1.9


def test_smoothed_profiles_keep_their_ends_and_lose_their_corners() -> None:
    line = smoothed(((0, 0), (4, 0), (4, 6)))
    assert line[0].tolist() == [0, 0]
    assert line[-1].tolist() == [4, 6]
    steps = np.diff(line, axis=0)
    turns = np.diff(np.degrees(np.arctan2(steps[:, 1], steps[:, 0])))
    assert np.isclose(turns.sum(), 90)
    assert turns.max() < 30


@pytest.mark.parametrize("white", [0.7, 0.8])
def test_development_sets_the_board_whatever_the_light(white: float) -> None:
    light = np.full((96, 128, 3), 0.3)
    light[30:60, 40:80] = (0.5, 0.02, 0.02)
    pictures = [np.asarray(developed(light * lamp, Development(white=white, vignette=0.0))) for lamp in (0.2, 5.0)]
    for picture in pictures:
        board, thing = picture[5:20].mean() / 255, picture[40:50, 50:70].mean(axis=(0, 1))
        assert white - 0.02 < board < white + 0.09
        assert thing[0] > 2 * thing[1]
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() < 1
