"""A letter that was crumpled in the hand and fell open again."""

from scripts.renderings import materials, prints, studio
from scripts.renderings.development import Development
from scripts.renderings.shot import Shot
from scripts.renderings.surfaces import Grid, crumpled, sheet, softened


def shape() -> Grid:
    """Return the letter, its lowest point at z = 0."""
    flat = sheet(21.0, 29.7, 230, 324)
    bent = softened(crumpled(flat.vertices, rounds=3, tilt=(0.2, 0.42), seed=2), times=2)
    bent[..., 2] -= bent[..., 2].min()
    return Grid(bent, flat.uv)


def build() -> Shot:
    """Put the letter on the board."""
    paper = materials.printed("paper", studio.image(prints.letter(), "letter"), roughness=0.7, relief=0.004)
    letter = studio.add_mesh("letter", shape(), paper, crease=70)
    studio.place(letter, (0, 0, 0.02), (0, 0, 25))
    return Shot(
        studio.View(distance=24.5, tilt=20, target=(-0.3, -0.8, 1)),
        studio.Room(turn=100),
        Development(0.74, (1.05, 1.0, 0.93), 0.3, seed=4),
    )
