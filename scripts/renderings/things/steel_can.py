"""An opened tin can with ribs and a label that is half torn off, lying on its side, its lid bent away."""

import numpy as np

from scripts.renderings import materials, prints, studio
from scripts.renderings.development import Development
from scripts.renderings.shot import Shot
from scripts.renderings.surfaces import Floats, Grid, resampled, revolved, rotation, smoothed

_RADIUS, _HEIGHT = 3.65, 11.0
_END = (
    (0, 0.52), (0.9, 0.52), (1.0, 0.44), (1.35, 0.44), (1.45, 0.52), (2.0, 0.52), (2.1, 0.44), (2.5, 0.44),
    (2.6, 0.52), (3.0, 0.52), (3.1, 0.46), (3.38, 0.46), (3.42, 0.1), (3.5, 0.0), (3.7, 0.0), (3.8, 0.06),
    (3.8, 0.28), (3.72, 0.34), (3.66, 0.4), (_RADIUS, 0.6),
)  # fmt: skip


def _dented(vertices: Floats) -> Floats:
    """Press two dents into the wall, as a fall leaves them."""
    bent = vertices.copy()
    for direction, height, size, depth in ((120, 7.6, 1.3, 0.30), (200, 3.2, 1.0, 0.18)):
        centre = np.array((np.cos(np.radians(direction)), np.sin(np.radians(direction)), 0)) * _RADIUS + (0, 0, height)
        distance = np.linalg.norm((vertices - centre) * (1.0, 1.0, 0.8), axis=-1)
        bent[..., :2] *= 1 - (depth / _RADIUS * np.exp(-((distance / size) ** 2)))[..., None]
    return bent


def _lid(direction: float, opened: float) -> Grid:
    """Return the cut lid, which hangs on the rim in a direction and is opened by so many degrees."""
    flat = revolved(resampled(smoothed([point for point in _END if point[0] < 3.36], 2), 0.05), 90)
    around = np.radians(direction)
    hinge = np.array((3.4 * np.cos(around), 3.4 * np.sin(around), 0.15))
    turn = rotation((-np.sin(around), np.cos(around), 0.0), -np.radians(opened))
    # Bent, since it was levered up.
    flat.vertices[..., 2] += 0.02 * (flat.vertices[..., :2] @ hinge[:2] / 3.4 - 3.4) ** 2
    return Grid(hinge + (flat.vertices - hinge) @ turn.T, flat.uv)


def build() -> Shot:
    """Put the can on the board."""
    end = resampled(smoothed(_END, 2), 0.05)
    closed = end * (1, -1) + (0, _HEIGHT)
    height = np.arange(0.62, _HEIGHT - 0.6, 0.05)
    phase = np.clip((height - 2.0) / 0.52, 0, 14) % 1
    body = np.stack((_RADIUS - 0.05 * (1 - np.cos(2 * np.pi * phase)), height), axis=1)
    rim = end[end[:, 0] > 3.4]
    inside = np.concatenate((closed[closed[:, 0] < 3.3], (body - (0.05, 0.0))[::-1]))
    can = revolved(np.concatenate((rim, body, closed[::-1])))
    hollow = revolved(np.concatenate((inside, rim[:1])))
    can.vertices[:], hollow.vertices[:] = _dented(can.vertices), _dented(hollow.vertices)
    tin = materials.metal("tin", (0.55, 0.54, 0.52), roughness=0.17, scratches=0.002)
    dull = materials.metal("dull", (0.60, 0.59, 0.57), roughness=0.27)
    label = revolved(
        np.stack((np.full(50, _RADIUS + 0.02), np.linspace(0.65, 10.35, 50)), axis=1), 120, 0, np.radians(250)
    )
    label.vertices[:] = _dented(label.vertices)
    paper = materials.printed(
        "label", studio.image(prints.tomato_label(), "tomatoes"), roughness=0.42, relief=0.006, cut_out=True
    )
    parts = [
        studio.add_mesh("can", can, tin),
        studio.add_mesh("hollow", hollow, dull),
        studio.add_mesh("label", label, paper),
        studio.add_mesh("lid", _lid(direction=-15, opened=80), dull),
    ]
    roll = studio.group("roll", parts)
    roll.rotation_euler[2] = np.radians(15)
    lie = studio.group("lie", [roll])
    studio.place(lie, (-5.5, 0, 3.8), (0, 90, 0))
    studio.place(studio.group("turn", [lie]), (0, 0, 0), (0, 0, 58))
    return Shot(
        studio.View(distance=18.5, tilt=40, target=(-0.9, -1.9, 2.4)),
        studio.Room(walls=(0.3, 0.29, 0.28), turn=-20),
        Development(0.79, (0.98, 0.99, 1.05), seed=2),
    )
