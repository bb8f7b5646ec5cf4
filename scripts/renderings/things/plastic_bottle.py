"""An empty water bottle of PET, a little squeezed, with its cap and wrap, lying on its side."""

import numpy as np

from scripts.renderings import materials, prints, studio
from scripts.renderings.development import Development
from scripts.renderings.shot import Shot
from scripts.renderings.surfaces import Floats, Grid, noise, resampled, revolved, smoothed

_RADIUS = 3.15
_HEIGHT = 20.0
_NECK = (
    (_RADIUS, 13.4), (3.1, 14.2), (2.6, 16.0), (1.7, 17.4), (1.28, 18.0), (1.25, 18.3), (1.62, 18.36), (1.62, 18.6),
    (1.25, 18.66), (1.22, 19.9),
)  # fmt: skip


def _squeezed(vertices: Floats) -> Floats:
    """Press the walls in, most in the middle, and bend the bottle a little."""
    x, y, z = np.moveaxis(vertices, -1, 0)
    grip = np.exp(-(((z - 8.0) / 4.5) ** 2))
    inward = 0.05 * grip * np.maximum(noise(vertices, 9.0, seed=3), -0.3) + 0.015 * grip * noise(vertices, 3.0, seed=5)
    flat = 1 - 0.10 * grip
    return np.stack((x * flat * (1 - inward), y * (1 - inward), z), axis=-1)


def _body() -> Grid:
    """Return the bottle's outside: feet, ribs, waist, shoulder, neck."""
    base = resampled(smoothed(((0, 0.9), (1.0, 0.75), (2.0, 0.1), (2.5, 0.0), (2.95, 0.25), (_RADIUS, 1.1))), 0.1)
    height = np.arange(1.15, 13.3, 0.07)
    ribbed = np.where((height > 1.6) & (height < 7.6), 0.5 - 0.5 * np.cos(2 * np.pi * (height - 1.6) / 1.0), 0.0)
    waist = np.where((height > 7.9) & (height < 12.7), 1.0, 0.0)
    waist = np.convolve(np.pad(waist, 3, mode="edge"), np.full(7, 1 / 7), mode="valid")
    walls = np.stack((_RADIUS - 0.14 * ribbed - 0.1 * waist, height), axis=1)
    made = revolved(np.concatenate((base, walls, resampled(smoothed(_NECK), 0.08))), 150)
    radius = np.linalg.norm(made.vertices[..., :2], axis=-1)
    # Five feet: between them the bottom is drawn up.
    angle = made.uv[..., 0] * 2 * np.pi
    between = (0.5 + 0.5 * np.cos(5 * angle)) ** 2 * np.exp(-(((radius - 2.3) / 0.8) ** 2))
    made.vertices[..., 2] += np.where(made.vertices[..., 2] < 1.2, 0.55 * between, 0.0)
    return made


def _cap() -> Grid:
    """Return the screw cap with its knurls."""
    profile = resampled(
        smoothed(((1.5, 18.7), (1.52, 18.75), (1.52, 19.9), (1.45, 20.1), (1.0, 20.14), (0, 20.14)), 2), 0.05
    )
    made = revolved(profile, 480)
    knurls = 0.02 * np.sign(np.sin(60 * made.uv[..., 0] * 2 * np.pi)) * (made.vertices[..., 2] < 19.85)
    made.vertices[..., :2] *= 1 + knurls[..., None]
    return made


def build() -> Shot:
    """Put the bottle on the board."""
    pet = materials.thin_wall("pet", (0.93, 0.96, 0.97), ior=1.57)
    body = _body()
    body.vertices[:] = _squeezed(body.vertices)
    bottle = studio.add_mesh("bottle", body, pet, crease=60)
    wrap = revolved(np.stack((np.full(40, _RADIUS - 0.06), np.linspace(8.1, 12.5, 40)), axis=1), 150)
    wrap.vertices[:] = _squeezed(wrap.vertices)
    film = materials.printed("wrap", studio.image(prints.water_label(), "water"), roughness=0.28, relief=0.008)
    parts = [
        bottle,
        studio.add_mesh("wrap", wrap, film),
        studio.add_mesh("cap", _cap(), materials.plastic("cap", (0.02, 0.12, 0.5)), crease=25),
    ]
    roll = studio.group("roll", parts)
    roll.rotation_euler[2] = np.radians(120)
    lie = studio.group("lie", [roll])
    studio.place(lie, (-9.5, 0, _RADIUS + 0.02), (0, 90, 0))
    studio.place(studio.group("turn", [lie]), (0, 0, 0), (0, 0, -18))
    return Shot(
        studio.View(distance=25, tilt=16, target=(0.5, 0, 1)),
        studio.Room(turn=-60),
        Development(0.71, (0.99, 0.985, 1.02), seed=5),
    )
