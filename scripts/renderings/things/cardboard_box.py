"""An open carton of corrugated board, its flaps up."""

from typing import Any

import numpy as np

from scripts.renderings import materials, prints, studio
from scripts.renderings.development import Development
from scripts.renderings.shot import Shot
from scripts.renderings.surfaces import Floats, Grid, noise, sheet

_LENGTH, _WIDTH, _HEIGHT, _FLAP = 28.0, 20.0, 13.0, 10.0
_THICK, _FLUTE = 0.42, 0.75
_UP = np.array((0.0, 0.0, 1.0))


def _panel(
    name: str, corner: Floats, right: Floats, up: Floats, size: tuple[float, float], kinds: tuple[Any, Any]
) -> None:
    """Add two liners and the flutes between them.

    Args:
        name: What the panel is called.
        corner: Where its lower left corner is, seen from outside.
        right: Its direction to the right, of length 1.
        up: Its direction upwards, which is that of the flutes, of length 1.
        size: Width and height.
        kinds: The materials of its outside and of the rest.
    """
    width, height = size
    out = np.cross(right, up)
    columns = round(width / _FLUTE * 10)
    wave = np.sin(2 * np.pi * np.linspace(0, width, columns) / _FLUTE)
    layers = (
        ("outside", 0.0, kinds[0], 0.006),
        ("flutes", -_THICK / 2, kinds[1], _THICK * 0.42),
        ("inside", -_THICK, kinds[1], 0.006),
    )
    for layer, depth, material, swing in layers:
        flat = sheet(width, height, columns, 24)
        local = flat.vertices + np.array((width / 2, height / 2, depth))
        local[..., 2] += swing * wave
        placed = corner + local[..., :1] * right + local[..., 1:2] * up + local[..., 2:] * out
        bent = placed + 0.2 * noise(placed, 14.0, seed=1)[..., None] * out
        added = studio.add_mesh(f"{name} {layer}", Grid(bent, flat.uv), material, crease=60)
        thick = added.modifiers.new("thick", "SOLIDIFY")
        thick.thickness, thick.offset = 0.035, 0.0


def _kraft(name: str, print_: Any = None) -> Any:
    """Return brown card, with a print on it where there is one."""
    made = materials.Material(name, roughness=0.8, specular_ior_level=0.2)
    fibres = made.colours(made.noise(5.0, detail=4, stretch=(1, 1, 0.35)), (0.40, 0.255, 0.140), (0.50, 0.335, 0.195))
    stains = made.colours(made.noise(0.12, detail=3), (0.78, 0.77, 0.76), (1.0, 1.0, 1.0))
    brown = made.node("MixRGB", Fac=1.0, Color1=fibres, Color2=stains)
    brown.blend_type = "MULTIPLY"
    colour = brown.outputs[0]
    if print_ is not None:
        inked = made.node("MixRGB", Fac=0.9, Color1=colour, Color2=made.picture(print_).outputs["Color"])
        inked.blend_type = "MULTIPLY"
        colour = inked.outputs[0]
    made.set(made.shader.inputs["Base Color"], colour)
    made.bump(made.noise(3.0, detail=3), 0.012)
    return made.data


def build() -> Shot:
    """Put the carton on the board."""
    plain = _kraft("kraft")
    printed = _kraft("printed", studio.image(prints.carton_print(), "carton"))
    half = np.array((_LENGTH / 2, _WIDTH / 2))
    # Where the walls face, and how far each flap leans outwards, in degrees.
    for name, facing, lean in (
        ("front", (0, -1), -28),
        ("right", (1, 0), 62),
        ("back", (0, 1), 38),
        ("left", (-1, 0), 84),
    ):
        outward = np.array((*facing, 0.0))
        right = np.cross(_UP, outward)
        width = _LENGTH if facing[0] == 0 else _WIDTH
        corner = np.array((*(half * facing), 0.0)) - right * width / 2
        outside = printed if name == "front" else plain
        _panel(name, corner, right, _UP, (width, _HEIGHT), (outside, plain))
        turned = np.cos(np.radians(lean)) * _UP + np.sin(np.radians(lean)) * outward
        hinge = corner + _UP * (_HEIGHT + 0.06) + right * 0.15
        _panel(f"{name} flap", hinge, right, turned, (width - 0.3, _FLAP), (plain, plain))
    floor = sheet(_LENGTH, _WIDTH, 2, 2)
    floor.vertices[..., 2] = 0.3
    studio.add_mesh("floor", floor, plain)
    return Shot(
        studio.View(distance=50, tilt=42, target=(0.5, 0.8, 8), turn=24),
        studio.Room(turn=60),
        Development(0.80, (0.98, 1.0, 1.04), seed=3),
    )
