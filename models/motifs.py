"""What the example pictures of `techniques.py` show: scenes that are drawn here, and a photo free of rights.

Every motif is an RGB picture (H, W, 3), float64 from 0 to 1, made from its shape and a random generator alone. The
photo, of the cat Chelsea, comes with scikit-image; Stéfan van der Walt gave it under CC0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray
from scipy import ndimage, spatial
from skimage.transform import resize

Array = NDArray[np.floating[Any]]
Shape = tuple[int, int]
Motif = Callable[[Shape, np.random.Generator], Array]

_LIGHT = np.array([-0.55, -0.6, 0.58])  # from the upper left, towards whoever looks; x right, y down


def fractal(shape: Shape, period: float, rng: np.random.Generator, slope: float = 1.8, stretch: float = 1.0) -> Array:
    """Noise of a power spectrum that falls off (spectral synthesis), of mean 0 and standard deviation 1.

    Args:
        shape: Height and width in pixels.
        period: Longest period in pixels; what is longer is held at the same power.
        rng: Where its phases come from.
        slope: How steeply amplitudes fall off with frequency: 0 is white, 2 is clouds.
        stretch: How many times as long its features are in x as in y.
    """
    fy = np.fft.fftfreq(shape[0])[:, None]
    fx = np.fft.rfftfreq(shape[1])[None, :] * stretch
    amplitude = 1 / np.maximum(np.hypot(fx, fy), 1 / period) ** slope
    amplitude[0, 0] = 0
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * amplitude, s=shape)
    return np.asarray(noise / noise.std())


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below `low`, 1 above `high`, a smooth curve between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(below: Array, above: Array | tuple[float, ...], cover: Array) -> Array:
    """`above` over `below`, RGB, where `cover` (H, W) from 0 to 1 lets it show."""
    return np.asarray(below + (np.asarray(above) - below) * cover[..., None])


def _grid(shape: Shape) -> tuple[Array, Array]:
    """X and y of all pixels in units of the picture's height."""
    y, x = np.mgrid[: shape[0], : shape[1]] / shape[0]
    return x, y


def _window(canvas: Array, centre: tuple[float, float], reach: float) -> tuple[Array, Array, Array]:
    """A view of `canvas` around `centre`, and the x and y of its pixels; units are heights."""
    height, width = canvas.shape[:2]
    left, right = (int(np.clip((centre[0] + side * reach) * height, 0, width)) for side in (-1, 1))
    top, bottom = (int(np.clip((centre[1] + side * reach) * height, 0, height)) for side in (-1, 1))
    y, x = np.mgrid[top:bottom, left:right] / height
    return canvas[top:bottom, left:right], x, y


def _ball(canvas: Array, centre: tuple[float, float], radii: tuple[float, float], colour: tuple[float, ...]) -> None:
    """A shaded ellipsoid with a shadow on what is right below it, painted into `canvas`; units are heights."""
    canvas, x, y = _window(canvas, centre, 3.5 * max(radii))
    u, v = (x - centre[0]) / radii[0], (y - centre[1]) / radii[1]
    shadow = np.exp(-(((u - 0.9) / 1.3) ** 2) - ((v - 0.85) / 0.28) ** 2)
    canvas *= 1 - 0.62 * shadow[..., None]
    _shade(canvas, u, v, np.sqrt(np.clip(1 - u * u - v * v, 0, 1)), u * u + v * v < 1, colour)


def _lathe(
    canvas: Array,
    axis: float,
    foot: float,
    profile: list[tuple[float, float]],
    colour: tuple[float, ...],
) -> None:
    """A thing from the potter's wheel: radius by height above `foot`, as pairs from the bottom to the top."""
    x, y = _grid((canvas.shape[0], canvas.shape[1]))
    heights, radii = np.array(profile).T
    spline = ndimage.gaussian_filter1d(np.interp(np.linspace(0, heights[-1], 200), heights, radii), 4, mode="nearest")
    up = foot - y
    radius = np.interp(up, np.linspace(0, heights[-1], 200), spline)
    lean = np.interp(up, np.linspace(0, heights[-1], 200), np.gradient(spline, heights[-1] / 200))
    u = (x - axis) / radius
    shadow = np.exp(-(((x - axis - 0.14) / 0.2) ** 2) - ((y - foot) / 0.03) ** 2)
    canvas *= 1 - 0.6 * shadow[..., None]
    rounded_foot = up > -0.02 * np.sqrt(np.clip(1 - u * u, 0, 1))
    inside = (np.abs(u) < 1) & rounded_foot & (up < heights[-1])
    _shade(canvas, u, -lean * 0.7, np.sqrt(np.clip(1 - u * u, 0.0, 1)), inside, colour)


def _shade(
    canvas: Array, nx: Array, ny: Array, nz: Array, inside: NDArray[np.bool_], colour: tuple[float, ...]
) -> None:
    """Lambert's light with a warm highlight and a cool light thrown back from the shadow side."""
    norm = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-6
    lit = (nx * _LIGHT[0] + ny * _LIGHT[1] + nz * _LIGHT[2]) / norm
    light = np.clip(0.2 + 0.95 * lit, 0.1, 1.1)
    back = 0.2 * smoothstep(0.3, 1.0, -lit)
    gloss = smoothstep(0.94, 0.995, lit)
    shaded = np.array(colour) * light[..., None] + back[..., None] * np.array([0.35, 0.4, 0.6])
    shaded = mix(shaded, (1.0, 0.98, 0.9), 0.75 * gloss)
    cover = ndimage.gaussian_filter(inside.astype(float), 0.8)
    canvas[:] = np.clip(mix(canvas, shaded, cover), 0, 1)


def still_life(shape: Shape, rng: np.random.Generator) -> Array:
    """A jug, a bottle and fruit on a cloth before a wall, lit from the left."""
    x, y = _grid(shape)
    width = shape[1] / shape[0]
    wall = (
        np.array([0.36, 0.42, 0.47])
        * (1.3 - 0.8 * x / width - 0.2 * y + 0.07 * fractal(shape, shape[0], rng, 2.6))[..., None]
    )
    folds = np.sin(x * 17 + 5 * y + 1.4 * np.sin(y * 6) + 0.5 * fractal(shape, shape[0], rng, 2.6))
    drape = np.array([0.62, 0.28, 0.2]) * (0.72 + 0.42 * folds)[..., None]
    wall = mix(wall, drape, smoothstep(0.0, 0.02, x - width * 0.66 - 0.07 * np.sin(5 * y + 1)))
    table_edge = 0.62 + 0.02 * np.sin(3 * x)
    creases = np.sin(26 * (y - 0.6) + 9 * np.sin(2.1 * x) + 1.3 * fractal(shape, shape[0], rng, 2.4))
    cloth = np.array([0.93, 0.88, 0.76]) * (0.84 + 0.17 * creases - 0.12 * x / width)[..., None]
    canvas = np.clip(mix(wall, cloth, smoothstep(-0.003, 0.003, y - table_edge)), 0.02, 1)
    jug = [(0, 0.1), (0.05, 0.15), (0.2, 0.19), (0.34, 0.13), (0.42, 0.07), (0.5, 0.075), (0.53, 0.1)]
    bottle = [(0, 0.085), (0.3, 0.088), (0.38, 0.06), (0.43, 0.03), (0.56, 0.028), (0.58, 0.034)]
    _lathe(canvas, width * 0.63, 0.74, bottle, (0.13, 0.36, 0.22))
    _lathe(canvas, width * 0.31, 0.79, jug, (0.28, 0.42, 0.72))
    fruit = [
        (0.49, 0.72, 0.1, 0.098, (0.9, 0.62, 0.12)),
        (0.77, 0.76, 0.1, 0.1, (0.8, 0.2, 0.14)),
        (0.9, 0.82, 0.085, 0.08, (0.62, 0.7, 0.2)),
        (0.6, 0.84, 0.098, 0.094, (0.86, 0.26, 0.15)),
        (0.14, 0.86, 0.115, 0.075, (0.95, 0.83, 0.25)),
        (0.42, 0.88, 0.085, 0.085, (0.45, 0.16, 0.36)),
    ]
    for fx, fy, rx, ry, colour in fruit:
        _ball(canvas, (fx * width, fy), (rx, ry), colour)
    return canvas


def landscape(shape: Shape, rng: np.random.Generator) -> Array:
    """Evening: a low sun among clouds, mountains, a lake, fields with furrows, trees and a house."""
    x, y = _grid(shape)
    width = shape[1] / shape[0]
    rise = np.clip(1 - y / 0.5, 0, 1)
    sky = np.array([0.98, 0.8, 0.5]) + (np.array([0.25, 0.45, 0.78]) - np.array([0.98, 0.8, 0.5])) * rise[..., None]
    away = np.hypot(x - 0.68 * width, y - 0.24)
    sky = mix(sky, (1.0, 0.9, 0.6), 0.8 * np.exp(-((away / 0.2) ** 2)))
    clouds = fractal(shape, shape[0] / 2, rng, 2.0, stretch=2.5) + 0.25 * np.sin(14 * y)
    sky = mix(sky, (0.98, 0.78, 0.66), 0.85 * smoothstep(0.25, 1.0, clouds))
    sky = mix(sky, (0.58, 0.48, 0.62), 0.7 * smoothstep(0.9, 1.9, clouds))
    canvas = mix(sky, (1.0, 0.95, 0.75), smoothstep(0.003, -0.003, away - 0.065))
    for base, height, colour in [(0.42, 0.2, (0.5, 0.55, 0.74)), (0.47, 0.13, (0.33, 0.42, 0.6))]:
        ridge = base - height * np.abs(np.interp(x[0], np.linspace(0, width, 13), rng.uniform(0, 1, 13)))
        ridge += 0.006 * fractal((1, shape[1]), shape[0] / 3, rng, 1.2)[0]
        slope = fractal(shape, shape[0] / 4, rng, 1.8) + 30 * np.gradient(ridge)[None, :]
        tone = np.array(colour) * (1 + 0.18 * slope)[..., None]
        canvas = mix(canvas, np.clip(tone, 0, 1), smoothstep(-0.002, 0.002, y - ridge[None, :]))
    ripples = np.sin(y * 190 + 3 * fractal(shape, shape[0] / 3, rng, 1.6, stretch=5.0))
    mirrored = canvas[np.clip((2 * 0.5 * shape[0] - np.arange(shape[0])).astype(int), 0, shape[0] - 1)]
    water = np.clip(mirrored * 0.85 + 0.09 * ripples[..., None], 0, 1)
    canvas = mix(canvas, water, smoothstep(-0.002, 0.002, y - 0.5))
    for base, swell, colours in [
        (0.6, 0.03, ((0.42, 0.5, 0.2), (0.72, 0.66, 0.28))),
        (0.7, 0.05, ((0.78, 0.6, 0.2), (0.5, 0.48, 0.16))),
        (0.84, 0.04, ((0.22, 0.38, 0.17), (0.52, 0.55, 0.2))),
    ]:
        top = base + swell * np.sin(x * 2.6 + base * 40) + 0.3 * swell * np.sin(x * 6 + base * 9)
        depth = (y - top) / (1.03 - top)
        furrows = np.sin((x - width * 0.55) / (0.1 + np.clip(depth, 0, 2)) * 9 + base * 31)
        field = np.where((furrows > 0)[..., None], colours[0], colours[1])
        field = ndimage.gaussian_filter(field, (1.5, 1.5, 0)) * (1 + 0.08 * fractal(shape, 40, rng, 1.2))[..., None]
        canvas = mix(canvas, np.clip(field, 0, 1), smoothstep(-0.002, 0.002, y - top))
    _house(canvas, width * 0.27, 0.66, 0.1)
    for tx, ty, size in [(0.06, 0.8, 0.2), (0.16, 0.68, 0.1), (0.4, 0.66, 0.07), (0.52, 0.62, 0.05), (0.9, 0.86, 0.27)]:
        _tree(canvas, tx * width, ty, size, rng)
    return np.clip(canvas, 0, 1)


def _house(canvas: Array, left: float, foot: float, size: float) -> None:
    x, y = _grid((canvas.shape[0], canvas.shape[1]))
    u, v = (x - left) / size, (foot - y) / size
    front = (u > 0) & (u < 0.7) & (v > 0) & (v < 0.6 + 0.5 * np.clip(1 - np.abs(u / 0.35 - 1), 0, 1))
    side = (u >= 0.7) & (u < 1.7) & (v > 0) & (v < 0.6)
    roof = (v >= 0.55) & (v < 1.15) & (u > 0.35 + (v - 1.15) * -0.7 - 0.05) & (u < 1.4 + (1.15 - v) * 0.65)
    door = (u > 0.25) & (u < 0.45) & (v > 0) & (v < 0.35)
    window = (np.abs(((u - 0.7) * 2) % 1 - 0.5) < 0.2) & (u > 0.75) & (u < 1.65) & (v > 0.2) & (v < 0.42)
    parts = [(roof, (0.7, 0.26, 0.16)), (front, (0.97, 0.9, 0.76)), (side, (0.72, 0.64, 0.62))]
    for inside, colour in [*parts, (door, (0.3, 0.2, 0.2)), (window, (0.25, 0.25, 0.38))]:
        canvas[inside] = colour


def _tree(canvas: Array, axis: float, foot: float, size: float, rng: np.random.Generator) -> None:
    x, y = _grid((canvas.shape[0], canvas.shape[1]))
    trunk = (np.abs(x - axis - 0.02 * np.sin(30 * y)) < 0.05 * size) & (y < foot) & (y > foot - size)
    canvas[trunk] = (0.24, 0.16, 0.13)
    for i in range(26):
        turn, far = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1)) * 0.62 * size
        cx, cy = axis + far * np.cos(turn), foot - 1.25 * size + far * np.sin(turn) * (0.9 - 0.02 * i)
        radius = size * rng.uniform(0.18, 0.3)
        green = np.array([0.3, 0.47, 0.16]) * rng.uniform(0.75, 1.25) + np.array([rng.uniform(-0.05, 0.22), 0, 0])
        view, x, y = _window(canvas, (cx, cy), 1.2 * radius)
        u, v = (x - cx) / radius, (y - cy) / radius
        inside = u * u + v * v < 1 + 0.25 * np.sin(7 * np.arctan2(v, u) + i)
        _shade(view, u, v, np.sqrt(np.clip(1 - u * u - v * v, 0, 1)), inside, tuple(green))


_Petal = tuple[tuple[float, float], float, float, float, tuple[float, ...]]


def flowers(shape: Shape, rng: np.random.Generator) -> Array:
    """Large blossoms and leaves from edge to edge, as one looks into a flower bed."""
    canvas = np.array([0.08, 0.16, 0.26]) * (1 + 0.2 * fractal(shape, shape[0] / 2, rng))[..., None]
    for petal in _bed(shape, rng):
        _petal(canvas, *petal)
    return np.clip(canvas, 0, 1)


def panes(shape: Shape, rng: np.random.Generator) -> Array:
    """The same bed as a glazier cuts it: every petal, leaf and piece of the ground flat, in a colour of its own."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    seeds = rng.uniform(0, 1, (max(6, shape[0] * shape[1] // 7000), 2)) * shape
    wavy = np.stack([y + 16 * np.sin(x / 70), x + 16 * np.sin(y / 60)], -1)
    piece = spatial.KDTree(seeds).query(wavy)[1]
    blues = np.array([0.1, 0.26, 0.62]) * rng.uniform(0.45, 1.25, (len(seeds), 1)) + rng.uniform(
        0, 0.12, (len(seeds), 3)
    )
    canvas = blues[piece]
    for petal in _bed(shape, rng):
        root, angle, length, girth, colour = petal
        own = tuple(np.array(colour) * rng.uniform(0.75, 1.05))
        _petal(canvas, root, angle, length, girth, own, flat=True)
    return np.clip(canvas, 0, 1)


def _bed(shape: Shape, rng: np.random.Generator) -> Iterator[_Petal]:
    """Leaves, then blossoms with two rings of petals and a middle of short ones, from the back to the front."""
    width = shape[1] / shape[0]
    for _ in range(44):
        place = rng.uniform(0, width), rng.uniform(0, 1)
        green = (rng.uniform(0.1, 0.35), rng.uniform(0.36, 0.6), rng.uniform(0.15, 0.32))
        yield place, rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.34), 0.24, green
    colours = [(0.86, 0.16, 0.18), (0.96, 0.7, 0.14), (0.9, 0.42, 0.55), (0.95, 0.92, 0.84), (0.42, 0.3, 0.72)]
    rows, columns = 3, max(2, round(3 * width))
    for n, cell in enumerate(rng.permutation(rows * columns)):
        row, column = divmod(int(cell), columns)
        cx = (column + 0.5 + 0.3 * (row % 2) + rng.uniform(-0.2, 0.2)) * width / columns
        cy = (row + 0.5 + rng.uniform(-0.22, 0.22)) / rows
        radius, turn, petals = rng.uniform(0.14, 0.22), rng.uniform(0, 6), int(rng.integers(6, 9))
        middle = (0.5, 0.3, 0.1) if n % 2 else (0.95, 0.75, 0.2)
        for size, girth, base in [(1.0, 0.42, colours[n % 5]), (0.62, 0.42, colours[n % 5]), (0.24, 0.7, middle)]:
            for petal in range(petals):
                tint = np.clip(np.array(base) * rng.uniform(0.8, 1.1) * (1.08 if size < 1 else 0.92), 0, 1)
                angle = turn + (petal + 0.5 * (size == 0.62)) * 2 * np.pi / petals
                yield (cx, cy), angle, radius * size, girth, tuple(tint)


def _petal(
    canvas: Array,
    root: tuple[float, float],
    angle: float,
    length: float,
    girth: float,
    colour: tuple[float, ...],
    flat: bool = False,
) -> None:
    """A leaf or petal that grows from `root`; `girth` is its half width as a part of its length."""
    canvas, x, y = _window(canvas, root, length)
    along = ((x - root[0]) * np.cos(angle) + (y - root[1]) * np.sin(angle)) / length
    across = (-(x - root[0]) * np.sin(angle) + (y - root[1]) * np.cos(angle)) / length
    half = girth * np.sin(np.pi * np.clip(along, 0, 1) ** 0.8) ** 0.75 + 1e-6
    inside = (along > 0) & (along < 1) & (np.abs(across) < half)
    if flat:
        canvas[inside] = colour
        return
    cupped = 0.62 + 0.45 * smoothstep(0, 0.75, along) - 0.3 * (across / half) * np.sin(angle - 0.8)
    vein = 1 - 0.3 * np.exp(-((across / 0.012) ** 2))
    canvas[inside] = (np.array(colour) * (cupped * vein)[..., None])[inside]


def cat(shape: Shape, rng: np.random.Generator) -> Array:
    """The face of Chelsea the cat, a photo under CC0, fitted into `shape` by its middle."""
    face = skimage.data.chelsea()[:272, 60:400] / 255
    scale = max(shape[0] / face.shape[0], shape[1] / face.shape[1])
    size = max(shape[0], round(face.shape[0] * scale)), max(shape[1], round(face.shape[1] * scale))
    face = resize(face, size, order=3, anti_aliasing=scale < 1)
    y, x = (size[0] - shape[0]) // 2, (size[1] - shape[1]) // 2
    return np.clip(face[y : y + shape[0], x : x + shape[1]], 0, 1)
