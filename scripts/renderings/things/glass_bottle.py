"""A brown beer bottle with a paper label, lying on its side."""

import numpy as np

from scripts.renderings import materials, prints, studio
from scripts.renderings.development import Development
from scripts.renderings.shot import Shot
from scripts.renderings.surfaces import resampled, revolved, smoothed

_RADIUS = 3.05
_OUTSIDE = (
    (0, 0.45), (1.9, 0.3), (2.35, 0.0), (2.6, 0.0), (2.95, 0.1), (_RADIUS, 0.6), (_RADIUS, 12.4), (_RADIUS, 13.2),
    (2.7, 15.0), (1.65, 16.6), (1.42, 18.0), (1.33, 21.2), (1.33, 21.4), (1.5, 21.45), (1.5, 21.95), (1.33, 22.05),
    (1.3, 22.3), (1.42, 22.4), (1.42, 22.9), (1.3, 23.0),
)  # fmt: skip
_INSIDE = (
    (0.95, 23.0), (0.85, 22.8), (0.88, 18.0), (1.2, 16.6), (2.35, 14.9), (2.76, 13.0), (2.77, 12.4), (2.77, 1.2),
    (2.5, 0.85), (1.9, 0.9), (0, 1.1),
)  # fmt: skip


def build() -> Shot:
    """Put the bottle on the board."""
    wall = np.concatenate((resampled(smoothed(_OUTSIDE), 0.12), resampled(smoothed(_INSIDE), 0.12)))
    body = revolved(wall)
    # Hand-blown no more, yet never quite even: the walls differ by some hundredths of a centimetre.
    uneven = np.exp(-((body.vertices[..., 2] - 8) ** 2) / 60)[..., None] * body.vertices * (1, 1, 0)
    body.vertices[:] += 0.004 * np.sin(3 * body.uv[..., :1] * 2 * np.pi + 1) * uneven
    brown = materials.glass("amber", (2.0, 4.8, 13.0))
    label = revolved(np.array(((_RADIUS + 0.02, 2.6), (_RADIUS + 0.02, 9.4))), 90, np.radians(-120), np.radians(240))
    label.uv[:] = label.uv[..., ::1]
    parts = [
        studio.add_mesh("bottle", body, brown),
        studio.add_mesh("label", label, materials.printed(
            "label", studio.image(prints.beer_label(), "beer"), roughness=0.45, relief=0.004)),
    ]  # fmt: skip
    lying = studio.group("roll", parts)
    lying.rotation_euler[2] = np.radians(190)
    down = studio.group("lie", [lying])
    studio.place(down, (-9.5, 0, _RADIUS + 0.03), (0, 90, 0))
    turned = studio.group("turn", [down])
    studio.place(turned, (0, 0, 0), (0, 0, 24))
    return Shot(
        studio.View(distance=23, tilt=18, target=(0.6, 0.4, 1)),
        studio.Room(walls=(0.3, 0.29, 0.27), turn=40),
        Development(0.79, (0.98, 0.99, 1.05)),
    )
