"""An empty bag of crisps, torn open: printed film outside, silver inside."""

from typing import Any

import numpy as np

from scripts.renderings import materials, prints, studio
from scripts.renderings.development import Development
from scripts.renderings.shot import Shot
from scripts.renderings.surfaces import Grid, crumpled, noise, normals, sheet, softened

_WIDTH, _LENGTH, _SEAL = 13.0, 17.0, 1.0


def _film(print_: Any) -> Any:
    """Return glossy film that is printed on its front and silver on its back."""
    made = materials.Material("film", roughness=0.17)
    back = made.node("NewGeometry").outputs["Backfacing"]
    colour = made.node("MixRGB", Fac=back, Color1=made.picture(print_).outputs["Color"], Color2=(0.75, 0.75, 0.76, 1))
    made.set(made.shader.inputs["Base Color"], colour.outputs[0])
    made.set(made.shader.inputs["Metallic"], made.node("MapRange", Value=back, To_Min=0.4).outputs[0])
    made.bump(made.noise(0.8, detail=4), 0.03)
    made.bump(made.facets(0.7), 0.05)
    return made.data


def _sides() -> tuple[Grid, Grid]:
    """Return the front and the back of the bag."""
    flat = sheet(_WIDTH, _LENGTH, 200, 260)
    x, y = flat.vertices[..., 0], flat.vertices[..., 1]
    # Sealed below and at the sides, open above.
    below = np.clip((y + _LENGTH / 2 - _SEAL) / 4.0, 0, 1)
    between = np.clip((_WIDTH / 2 - np.abs(x)) / 4.0, 0, 1)
    room = np.sqrt(below * between)
    wrinkles = 0.16 * noise(flat.vertices * (1.0, 0.3, 1.0), 2.2, seed=1) * np.exp(-((below - 0.3) ** 2) / 0.1)
    crimp = 0.03 * np.sin(2 * np.pi * y / 0.2) * (y < _SEAL - _LENGTH / 2)
    # The tear: the front lost a strip along its top.
    lost = 2.0 + 3.0 * (0.5 + x / _WIDTH) ** 2 + 0.35 * noise(flat.vertices * (1.0, 0.0, 0.0), 2.5, seed=9)
    torn = y - np.clip((y - 3.0) / (_LENGTH / 2 - 3.0), 0, 1) * lost
    narrow = x * (1 - 0.04 * room)
    level = np.zeros_like(x)
    # Both sides are creased as one sheet and parted afterwards: a reflection would turn their order round.
    sides = np.stack((np.stack((narrow, torn, level), axis=-1), np.stack((narrow, y, level), axis=-1)))
    sides = crumpled(sides, rounds=2, tilt=(0.12, 0.26), seed=4)
    front, back = (softened(side, times=2) for side in sides)
    apart = (0.45 * room + 0.03)[..., None]
    front = front + softened(normals(front), times=6) * (apart + (wrinkles + crimp)[..., None])
    back = back - softened(normals(back), times=6) * (apart - (0.5 * wrinkles + crimp)[..., None])
    lowest = min(front[..., 2].min(), back[..., 2].min())
    # The back's faces look down.
    return Grid(front - (0, 0, lowest), flat.uv), Grid((back - (0, 0, lowest))[:, ::-1], flat.uv[:, ::-1])


def build() -> Shot:
    """Put the bag on the board."""
    film = _film(studio.image(prints.snack_print(), "snack"))
    front, back = _sides()
    parts = [studio.add_mesh("front", front, film, 70), studio.add_mesh("back", back, film, 70)]
    studio.place(studio.group("turn", parts), (0, 0, 0.1), (0, 0, -35))
    return Shot(
        studio.View(distance=20, tilt=16, target=(0, -0.6, 0.5)),
        studio.Room(turn=150),
        Development(0.78, (1.06, 1.0, 0.93), 0.28, seed=6),
    )
