"""``python -m scripts.renderings``: render the page's examples by path tracing, with Blender's Cycles.

The page ships renderings, since no photo of others may be committed. Blender comes as a Python package: install
requirements/renderings.txt into an environment of its own (Python 3.11).
"""

import argparse
import importlib
import sys
from pathlib import Path

from PIL import Image

PAGE = Path(__file__).resolve().parents[2] / "gateway" / "web"
SIZE = (512, 384)
THINGS = {
    "glass": "glass_bottle",
    "paper": "crumpled_paper",
    "cardboard": "cardboard_box",
    "plastic": "plastic_bottle",
    "metal": "steel_can",
    "trash": "snack_bag",
}


def render(thing: str, width: int, samples: int, threads: int) -> Image.Image:
    """Render a thing of `things/`, `width` pixels wide, and develop it to a picture of `SIZE`."""
    from scripts.renderings import materials, studio
    from scripts.renderings.development import developed
    from scripts.renderings.surfaces import sheet

    studio.empty_scene()
    studio.add_mesh("board", sheet(400, 400, 2, 2), materials.board())
    shot = importlib.import_module(f"scripts.renderings.things.{thing}").build()
    studio.light(shot.room, shot.view)
    studio.look(shot.view)
    light = studio.render((width, width * SIZE[1] // SIZE[0]), samples, threads)
    return developed(light, shot.development).resize(SIZE, Image.Resampling.LANCZOS)


def main() -> int:
    """Render the things of the named classes, or of all."""
    parser = argparse.ArgumentParser(prog="python -m scripts.renderings", description=__doc__)
    parser.add_argument("classes", nargs="*", metavar="CLASS", help=f"{', '.join(THINGS)}; all of them by default")
    parser.add_argument("--output", type=Path, default=PAGE, help="the folder; by default that of the page")
    parser.add_argument("--width", type=int, default=SIZE[0], help="pixels; fewer for a first look")
    parser.add_argument("--samples", type=int, default=64, help="rays for each pixel")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if unknown := set(arguments.classes) - set(THINGS):
        parser.error(f"no such class: {', '.join(sorted(unknown))}. There are {', '.join(THINGS)}.")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.classes or THINGS:
        picture = render(THINGS[name], arguments.width, arguments.samples, arguments.threads)
        path = arguments.output / f"rendered_{name}.webp"
        picture.save(path, quality=88, method=6)
        print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
