"""Blender as a photo studio: a white board, a room that lights it, a phone's camera, and meshes from arrays."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scripts.renderings.surfaces import Floats, Grid


@dataclass(frozen=True)
class View:
    """Where the phone is held.

    Attributes:
        distance: From the thing to the lens, in centimetres.
        tilt: Degrees from straight above.
        target: What it points at, in centimetres.
        turn: Degrees by which it is turned about the vertical.
    """

    distance: float
    tilt: float
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: float = 0.0


@dataclass(frozen=True)
class Room:
    """What lights the board, all in the linear colours red, green, blue.

    Attributes:
        walls: The light of the walls and the ceiling.
        window: The light of the window; the sky.
        lamp: The light of the ceiling lamp; black means off.
        turn: Degrees by which the room is turned about the vertical.
    """

    walls: tuple[float, float, float] = (0.42, 0.40, 0.37)
    window: tuple[float, float, float] = (19.0, 20.5, 22.0)
    lamp: tuple[float, float, float] = (30.0, 28.0, 25.0)
    turn: float = 0.0


def empty_scene() -> None:
    """Start with nothing, rendering by path tracing on the CPU."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.max_bounces = 16
    scene.cycles.diffuse_bounces, scene.cycles.glossy_bounces = 2, 6
    scene.cycles.transmission_bounces = 16
    scene.cycles.transparent_max_bounces = 16
    scene.cycles.blur_glossy = 0.3
    scene.cycles.sample_clamp_indirect = 12.0
    scene.view_settings.view_transform = "Raw"


def image(pixels: Floats | Image.Image, name: str, colour: bool = True) -> Any:
    """Return Blender's image of linear floats `[height, width, 3]`, or of a Pillow image in sRGB."""
    if isinstance(pixels, Image.Image):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.png"
            pixels.save(path)
            made = bpy.data.images.load(str(path))
            made.pack()
        made.colorspace_settings.name = "sRGB" if colour else "Non-Color"
        return made
    height, width = pixels.shape[:2]
    made = bpy.data.images.new(name, width, height, float_buffer=True)
    opaque = np.ones((height, width, 4), np.float32)
    opaque[..., :3] = pixels
    made.pixels.foreach_set(opaque.ravel())
    made.pack()
    return made


def add_mesh(name: str, grid: Grid, material: Any, crease: float = 40.0) -> Any:
    """Add a grid of vertices as a smooth mesh; edges sharper than `crease` degrees stay sharp."""
    rows, columns = grid.vertices.shape[:2]
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    corners = np.stack((first, first + 1, first + columns + 1, first + columns), axis=1)
    # Join what lies at the same place: the seam and the poles of a surface of revolution.
    points = grid.vertices.reshape(-1, 3)
    _, kept, joined = np.unique(np.round(points, 4), axis=0, return_index=True, return_inverse=True)
    faces = joined.reshape(-1)[corners]
    distinct = faces != np.roll(faces, -1, axis=1)
    distinct &= (distinct.sum(axis=1) >= 3)[:, None]
    lengths = distinct.sum(axis=1)
    lengths = lengths[lengths > 0]
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(kept))
    mesh.vertices.foreach_set("co", points[kept].astype(np.float32).ravel())
    mesh.loops.add(int(lengths.sum()))
    mesh.loops.foreach_set("vertex_index", faces[distinct].astype(np.int32))
    mesh.polygons.add(len(lengths))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(lengths) - lengths).astype(np.int32))
    mesh.update(calc_edges=True)
    uv = grid.uv.reshape(-1, 2)[corners[distinct]]
    mesh.uv_layers.new().uv.foreach_set("vector", uv.astype(np.float32).ravel())
    mesh.materials.append(material)
    mesh.shade_smooth()
    mesh.set_sharp_from_angle(angle=np.radians(crease))
    added = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(added)
    return added


def group(name: str, parts: list[Any]) -> Any:
    """Return an empty object that moves all parts."""
    parent = bpy.data.objects.new(name, None)
    bpy.context.collection.objects.link(parent)
    for part in parts:
        part.parent = parent
    return parent


def place(thing: Any, position: tuple[float, float, float], degrees: tuple[float, float, float]) -> None:
    """Move a thing and turn it about x, y and z, in this order."""
    thing.location = position
    thing.rotation_euler = tuple(np.radians(degrees))


def light(room: Room, view: View) -> None:
    """Surround the scene with a room: walls, one window, a ceiling lamp, and the dark shape of who takes the photo."""
    u, v = np.meshgrid((np.arange(512) + 0.5) / 512, (np.arange(256) + 0.5) / 256)
    phi, theta = (u - 0.5) * 2 * np.pi, (v - 0.5) * np.pi
    rays = np.stack((-np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), np.sin(theta)), axis=-1)
    # A room from (-2, -2, -0.8) to (2.5, 2, 1.7) metres around the board.
    walls = np.where(rays > 0, (2.5, 2.0, 1.7), (-2.0, -2.0, -0.8))
    distance = np.min(walls / np.where(np.abs(rays) < 1e-9, 1e-9, rays), axis=-1)
    hit = rays * distance[..., None]
    colours = np.empty_like(rays)
    colours[:] = np.asarray(room.walls)
    colours *= 0.75 + 0.25 * rays[..., 2:]
    x, y, z = np.moveaxis(hit, -1, 0)
    # The floor, furniture along two walls, a door.
    colours[(z < -0.79) | ((z < 0.75) & (y > 1.99)) | ((z < 1.3) & (x > 2.49) & (np.abs(y - 1.1) < 0.5))] *= 0.25
    colours[(y < -1.99) & (np.abs(x - 1.2) < 0.5)] *= 0.35
    window = (x < -1.99) & (np.abs(y + 0.2) < 0.62) & (z > 0.25) & (z < 1.5)
    bars = (np.abs(y + 0.2) < 0.04) | (np.abs(z - 0.85) < 0.03)
    colours[window & ~bars] = room.window
    lamp = (z > 1.69) & (np.hypot(x - 0.9, y - 0.7) < 0.2)
    colours[lamp] = room.lamp
    colours[_person(rays, room, view)] = np.asarray(room.walls) * 0.3
    world = bpy.data.worlds.new("room")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256
    nodes, links = world.node_tree.nodes, world.node_tree.links
    texture, mapping, place_ = (nodes.new(f"ShaderNode{kind}") for kind in ("TexEnvironment", "Mapping", "TexCoord"))
    texture.image = image(colours, "room")
    mapping.inputs["Rotation"].default_value[2] = np.radians(room.turn)
    links.new(place_.outputs["Generated"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], nodes["Background"].inputs["Color"])


def _person(rays: Floats, room: Room, view: View) -> NDArray[np.bool_]:
    """Return which rays meet who takes the photo: body, head, and the phone before the face."""
    height = np.degrees(np.arcsin(np.clip(rays[..., 2], -1, 1)))
    azimuth = np.degrees(np.arctan2(rays[..., 1], rays[..., 0])) - (view.turn - 90 + room.turn)
    aside = ((azimuth + 180) % 360 - 180) * np.cos(np.radians(height))
    lens = 90 - view.tilt
    body = np.hypot(aside / 27, (height - 15) / 38) < 1
    head = np.hypot(aside / 11, (height - lens + 12) / 14) < 1
    phone = (np.abs(aside) < 13) & (np.abs(height - lens) < 7)
    return np.asarray(body | head | phone)


def look(view: View) -> None:
    """Put the phone's camera: 26 mm lens on 36 mm film, as phones have."""
    from mathutils import Euler, Vector

    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    camera.data.lens = 29.0
    camera.data.clip_end = 1000
    camera.rotation_euler = Euler(tuple(np.radians((view.tilt, 0, view.turn))))
    back = camera.rotation_euler.to_matrix() @ Vector((0, 0, view.distance))
    camera.location = Vector(view.target) + back


def render(size: tuple[int, int], samples: int, threads: int = 1) -> Floats:
    """Render the scene and return its linear light `[height, width, 3]`."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling, scene.cycles.adaptive_threshold = True, 0.05
    scene.cycles.adaptive_min_samples = 8
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGB"
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "render.exr")
        bpy.ops.render.render(write_still=True)
        loaded = bpy.data.images.load(scene.render.filepath)
        width, height = loaded.size
        pixels = np.empty(width * height * loaded.channels, np.float32)
        loaded.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, -1)[::-1, :, :3].astype(float)
