"""Shapes as arrays: surfaces of revolution, sheets, folds and dents. All lengths are centimetres."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """A surface as a grid of vertices.

    Attributes:
        vertices: Positions, `[rows, columns, 3]`.
        uv: Texture coordinates in 0 to 1, `[rows, columns, 2]`.
    """

    vertices: Floats
    uv: Floats


def smoothed(points: Iterable[tuple[float, float]], rounds: int = 3) -> Floats:
    """Return a polyline with its corners cut `rounds` times (Chaikin 1974), `[n, 2]`; the ends stay."""
    line = np.asarray(list(points), float)
    for _ in range(rounds):
        near, far = 0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]
        middle = np.stack((near, far), axis=1).reshape(-1, 2)
        line = np.concatenate((line[:1], middle[1:-1], line[-1:]))
    return line


def resampled(line: Floats, step: float) -> Floats:
    """Return the polyline `[n, 2]` with points about `step` apart."""
    lengths = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))))
    at = np.linspace(0, lengths[-1], max(2, round(lengths[-1] / step)))
    return np.stack([np.interp(at, lengths, line[:, axis]) for axis in (0, 1)], axis=1)


def revolved(profile: Floats, segments: int = 160, start: float = 0.0, turn: float = 2 * np.pi) -> Grid:
    """Turn a profile `[n, 2]` of radius and height about the z axis, from the angle `start` by `turn`."""
    angles = start + turn * np.linspace(0, 1, segments + 1)
    radius, height = profile[:, :1], profile[:, 1:]
    vertices = np.stack(
        (radius * np.cos(angles), radius * np.sin(angles), np.broadcast_to(height, (len(profile), len(angles)))),
        axis=-1,
    )
    lengths = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))))
    across, along = np.meshgrid(np.linspace(0, 1, segments + 1), lengths / lengths[-1])
    return Grid(vertices, np.stack((across, along), axis=-1))


def sheet(width: float, height: float, columns: int, rows: int) -> Grid:
    """Return a flat rectangle around the origin, in the plane z = 0."""
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, columns), np.linspace(-0.5, 0.5, rows))
    return Grid(np.stack((x * width, y * height, np.zeros_like(x)), axis=-1), np.stack((x + 0.5, y + 0.5), axis=-1))


def rotation(axis: Iterable[float], angle: float) -> Floats:
    """Return the 3x3 matrix of a turn by `angle` about an axis (Rodrigues)."""
    x, y, z = np.asarray(list(axis), float) / np.linalg.norm(list(axis))
    cross = np.array(((0, -z, y), (z, 0, -x), (-y, x, 0)))
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def folded(points: Floats, normal: Floats, offset: float) -> Floats:
    """Reflect what lies beyond a plane, which creases a sheet there without stretching it.

    Args:
        points: Positions, `[..., 3]`.
        normal: The plane's normal, of length 1.
        offset: The plane's distance from the origin along the normal.
    """
    beyond = np.maximum(points @ normal - offset, 0.0)
    return points - 2 * beyond[..., None] * normal


def crumpled(points: Floats, rounds: int, tilt: tuple[float, float], seed: int) -> Floats:
    """Crease thin sheets by reflections, which bend them without stretching.

    Each round tilts the sheets and folds back what then lies too high or too low, so that they get facets in all
    directions and stay low.

    Args:
        points: Positions, `[..., 3]`.
        rounds: How often.
        tilt: The least and the largest angle, in radians; it is that between the facets, too.
        seed: Which creases.
    """
    random = np.random.default_rng(seed)
    bent = points - points.reshape(-1, 3).mean(axis=0)
    for _ in range(rounds):
        direction = random.uniform(0, 2 * np.pi)
        bent = bent @ rotation((np.cos(direction), np.sin(direction), 0), random.uniform(*tilt)).T
        for _ in range(9):
            normal = np.array((*random.normal(scale=0.22, size=2), 1.0))
            normal *= random.choice((-1, 1)) / np.linalg.norm(normal)
            heights = bent @ normal
            bent = folded(bent, normal, float(np.quantile(heights, random.uniform(0.6, 0.97))))
        bent = bent - bent.reshape(-1, 3).mean(axis=0)
    return np.asarray(bent)


def softened(points: Floats, times: int) -> Floats:
    """Round the creases of a grid `[rows, columns, 3]` off: each vertex goes to the mean of its neighbours."""
    for _ in range(times):
        wide = np.pad(points, ((1, 1), (1, 1), (0, 0)), mode="reflect", reflect_type="odd")
        points = (wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]) / 4
    return points


def normals(points: Floats) -> Floats:
    """Return the normals of a grid `[rows, columns, 3]`, of length 1."""
    across = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0))
    return np.asarray(across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12))


def noise(points: Floats, scale: float, seed: int, octaves: int = 3) -> Floats:
    """Return smooth noise of about -1 to 1 at points `[..., 3]`: sums of waves `scale` long in random directions."""
    random = np.random.default_rng(seed)
    total = np.zeros(points.shape[:-1])
    for octave in range(octaves):
        waves = random.normal(size=(8, 3)) * 2 * np.pi / scale * 2**octave / np.sqrt(3)
        phases = random.uniform(0, 2 * np.pi, 8)
        total += np.sin(points @ waves.T + phases).sum(axis=-1) / 4 / 2**octave
    return total
