"""What the techniques of `techniques.py` share: tone, direction, paper, strokes, regions and light on paint.

Pictures are (H, W, 3) and fields (H, W), float64; colours, tones and covers go from 0 to 1, angles are in radians with
x to the right and y down, points are (x, y), and lengths are in pixels. Nothing here depends on the picture's size: a
stroke is as wide on a small sheet as on a large one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import color, exposure, graph, segmentation

from motifs import Array, Shape, fractal, mix, smoothstep

Labels = NDArray[np.int64]
Rgb = tuple[float, float, float]
_Value = TypeVar("_Value", bound=np.generic)


def tone(picture: Array, local: float = 0.0) -> Array:
    """Lightness (CIE L*), stretched over all of 0 to 1; `local` from 0 to 1 evens contrast out over the sheet."""
    light = color.rgb2lab(picture)[..., 0] / 100
    low, high = np.percentile(light, (0.5, 99.5))
    light = np.clip((light - low) / (high - low + 1e-6), 0, 1)
    if local:
        light = light + (exposure.equalize_adapthist(light, clip_limit=0.02) - light) * local
    return np.asarray(light)


def vivid(colours: Array, saturation: float, value: float = 1.0) -> Array:
    """`colours` (..., 3) with their HSV saturation and value multiplied."""
    hsv = color.rgb2hsv(np.clip(colours, 0, 1))
    hsv[..., 1:] = np.clip(hsv[..., 1:] * (saturation, value), 0, 1)
    return np.asarray(color.hsv2rgb(hsv))


def jittered(colours: Array, rng: np.random.Generator, hue: float, saturation: float, value: float) -> Array:
    """`colours` (N, 3), each off its own way in HSV by so much (standard deviations)."""
    hsv = color.rgb2hsv(np.clip(colours, 0, 1)) + rng.standard_normal(colours.shape) * (hue, saturation, value)
    hsv[..., 0] %= 1
    return np.asarray(color.hsv2rgb(np.clip(hsv, 0, 1)))


def at(field: NDArray[_Value], points: Array) -> NDArray[_Value]:
    """The values of `field` (H, W, ...) at `points` (..., 2), by the nearest pixel; those outside get the border's."""
    x = np.clip(np.rint(points[..., 0]).astype(int), 0, field.shape[1] - 1)
    y = np.clip(np.rint(points[..., 1]).astype(int), 0, field.shape[0] - 1)
    return field[y, x]


def flow(light: Array, sigma: float, drift: float = 0.6) -> Array:
    """The direction along forms: the smoothed structure tensor's minor axis (Kass and Witkin 1987).

    Args:
        light: Tone that the forms are read from.
        sigma: Over how many pixels it is smoothed.
        drift: The direction where nothing is to be seen.
    """
    light = ndimage.gaussian_filter(light, 1.2)
    gy, gx = np.gradient(light)
    xx, xy, yy = gx * gx, gx * gy, gy * gy
    near, far = (
        [ndimage.gaussian_filter(part, reach, mode="nearest") for part in (xx - yy, 2 * xy)]
        for reach in (sigma, 4 * sigma)
    )
    faint = 2e-6
    aside = (-faint * np.cos(2 * drift), -faint * np.sin(2 * drift))
    across = [n + 0.15 * f + side for n, f, side in zip(near, far, aside, strict=True)]
    return np.asarray(0.5 * np.arctan2(across[1], across[0]) + np.pi / 2)


def scatter(shape: Shape, spacing: float, rng: np.random.Generator) -> Array:
    """Points (N, 2) all over the sheet, one at random in each square of a grid, in random order."""
    y, x = np.mgrid[0 : shape[0] : spacing, 0 : shape[1] : spacing]
    points = np.stack([x.ravel(), y.ravel()], 1) + rng.uniform(0, spacing, (x.size, 2))
    return np.asarray(rng.permutation(points))


def trace(points: Array, angle: Array, length: float | Array, count: int = 12) -> Array:
    """Streamlines (N, 2 * count + 1, 2) of the field `angle` (modulo pi) through `points`, each of so many pixels."""
    step = np.broadcast_to(np.asarray(length, float) / (2 * count), len(points))[:, None]
    start = at(angle, points)
    halves = []
    for turn in (0, np.pi):
        heading = np.stack([np.cos(start + turn), np.sin(start + turn)], 1)
        here, half = points, []
        for _ in range(count):
            here = here + heading * step
            half.append(here)
            local = at(angle, here)
            ahead = np.stack([np.cos(local), np.sin(local)], 1)
            heading = ahead * np.where((ahead * heading).sum(1, keepdims=True) < 0, -1, 1)
        halves.append(half)
    return np.stack([*halves[1][::-1], points, *halves[0]], 1)


def spread(lines: Array, shape: Shape, spacing: float, shortest: int = 5) -> list[Array]:
    """Those lines, cut where they come closer than `spacing` to one before (after Jobard and Lefer 1997)."""
    taken = np.zeros(shape, bool)
    reach = int(np.ceil(spacing))
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    near = dx * dx + dy * dy < spacing * spacing
    offsets = np.stack([dx[near], dy[near]], 1)
    kept = []
    middle = lines.shape[1] // 2
    cells = np.rint(lines).astype(int)
    limit = np.array([shape[1] - 1, shape[0] - 1])
    for line, path in zip(lines, cells, strict=True):
        blocked = taken[tuple(np.clip(path, 0, limit).T[::-1])] | ((path < 0) | (path > limit)).any(1)
        if blocked[middle]:
            continue
        stops = np.flatnonzero(blocked)
        first = stops[stops < middle].max(initial=-1) + 1
        last = stops[stops > middle].min(initial=len(line))
        if last - first < shortest:
            continue
        kept.append(line[first:last])
        beside = np.clip((path[first:last, None] + offsets).reshape(-1, 2), 0, limit)
        taken[beside[:, 1], beside[:, 0]] = True
    return kept


def ribbons(
    shape: Shape,
    lines: Iterable[Array],
    widths: Iterable[Array],
    colours: Iterable[float] | Iterable[Sequence[float]] | Array,
    ground: float | Rgb = 0.0,
    fine: int = 3,
) -> Array:
    """Lines as filled bands, later ones over earlier ones: (H, W) where colours are numbers, else (H, W, 3).

    Args:
        shape: Height and width of the sheet.
        lines: Of K points each.
        widths: Of the band at each of its points (K,).
        colours: One for each line.
        ground: What is seen where no line is.
        fine: How many times as fine the sheet is drawn as it is returned, against jagged edges.
    """
    mode = "L" if isinstance(ground, float) else "RGB"
    sheet = Image.new(mode, (shape[1] * fine, shape[0] * fine), _bytes(ground))
    pen = ImageDraw.Draw(sheet)
    for line, width, colour in zip(lines, widths, colours, strict=True):
        ahead = np.gradient(line, axis=0)
        normal = np.stack([-ahead[:, 1], ahead[:, 0]], 1) / (np.hypot(*ahead.T)[:, None] + 1e-9)
        side = normal * (width[:, None] / 2)
        band = np.concatenate([line + side, (line - side)[::-1]]) * fine
        pen.polygon(band.ravel().tolist(), fill=_bytes(colour))
    return np.asarray(sheet.reduce(fine), float) / 255


def _bytes(colour: Any) -> int | tuple[int, ...]:
    values = np.clip(np.rint(np.atleast_1d(colour) * 255), 0, 255).astype(int).tolist()
    return values[0] if len(values) == 1 else tuple(values)


def tapered(count: int, width: float, blunt: float = 0.6) -> Array:
    """Widths (count,) of a stroke that comes to a point at both ends; the smaller `blunt`, the later."""
    return width * np.sin(np.linspace(0.06, np.pi - 0.06, count)) ** blunt


def wobbly(lines: Array, rng: np.random.Generator, sway: float) -> Array:
    """Lines (N, K, 2) as a hand draws them: off by a smooth curve of `sway` pixels (standard deviation)."""
    off = ndimage.gaussian_filter1d(rng.standard_normal(lines.shape), lines.shape[1] / 8, axis=1, mode="nearest")
    return lines + off / (off.std() + 1e-9) * sway


def grain(shape: Shape, rng: np.random.Generator, period: float = 5.0, laid: float = 0.0) -> Array:
    """A paper's tooth, uniform from 0 (peaks, which take pigment first) to 1; `laid` adds the mould's lines."""
    tooth = fractal(shape, period, rng, 1.4)
    tooth += laid * np.sin(np.arange(shape[0]) * 2 * np.pi / 6.3)[:, None]
    return evened(tooth)


def evened(field: Array) -> Array:
    """`field` by rank: the same picture with values spread evenly from 0 to 1."""
    ranks = np.empty(field.size)
    ranks[np.argsort(field, axis=None)] = np.linspace(0, 1, field.size)
    return ranks.reshape(field.shape)


def deposit(tooth: Array, pressure: Array, soft: float = 0.14) -> Array:
    """How much of the paper dry pigment covers: with more pressure it reaches deeper into the tooth."""
    return smoothstep(-soft, soft, pressure * (1 + 2 * soft) - soft - tooth)


def smeared(field: Array, angle: Array, length: int) -> Array:
    """`field` (H, W, ...) blurred along the direction `angle`: line integral convolution (Cabral and Leedom 1993)."""
    y, x = np.mgrid[: field.shape[0], : field.shape[1]].astype(float)
    total, weight = field.copy(), 1
    for turn in (0, np.pi):
        here = np.stack([x, y], -1)
        heading = np.stack([np.cos(angle + turn), np.sin(angle + turn)], -1)
        for _ in range(length // 2):
            here += heading
            total = total + at(field, here)
            weight += 1
            local = at(angle, here)
            ahead = np.stack([np.cos(local), np.sin(local)], -1)
            heading = ahead * np.where((ahead * heading).sum(-1, keepdims=True) < 0, -1, 1)
    return np.asarray(total / weight)


def regions(picture: Array, count: int, threshold: float, smooth: int = 3) -> Labels:
    """Parts of nearly one colour (H, W), from 0 on: superpixels (Achanta et al. 2012), merged below `threshold`."""
    calm = np.stack([ndimage.median_filter(picture[..., i], 2 * smooth + 1) for i in range(3)], -1)
    labels = segmentation.slic(calm, count, compactness=9, sigma=1.5, start_label=0)
    if threshold:
        labels = graph.cut_threshold(labels, graph.rag_mean_color(calm * 255, labels), threshold)
    return np.asarray(segmentation.relabel_sequential(labels + 1)[0] - 1, np.int64)


def means(picture: Array, labels: Labels) -> Array:
    """The mean colour of each region, (N, 3)."""
    count = np.bincount(labels.ravel()).clip(1)
    return np.stack([np.bincount(labels.ravel(), picture[..., i].ravel()) / count for i in range(3)], 1)


def warped(field: NDArray[_Value], rng: np.random.Generator, amount: float, period: float) -> NDArray[_Value]:
    """A field with its edges moved by smooth noise of `amount` pixels, as no hand cuts straight."""
    shape = field.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    x += amount * fractal(shape, period, rng, 2.2)
    y += amount * fractal(shape, period, rng, 2.2)
    return at(field, np.stack([x, y], -1))


def edge_distance(labels: Labels) -> Array:
    """How many pixels each pixel is away from where another region begins."""
    edge = segmentation.find_boundaries(labels, mode="inner")
    return np.asarray(ndimage.distance_transform_edt(~edge))


def contours(light: Array, sigma: float, sharp: float = 18.0, level: float = 0.015) -> Array:
    """Where a draughtsman puts a contour, 0 to 1: thresholded difference of Gaussians (Winnemöller et al. 2012)."""
    difference = ndimage.gaussian_filter(light, sigma) - ndimage.gaussian_filter(light, 1.6 * sigma)
    return np.asarray(np.clip(-np.tanh(sharp * (difference + level)), 0, 1))


def frame(arc: Array, width: float, shape: Shape) -> tuple[tuple[slice, slice], Array, Array, float] | None:
    """A stroke's own coordinates in the box around it, or None where it is outside the sheet.

    Args:
        arc: Its start, middle and end (3, 2); between them it is a parabola.
        width: Of the brush.
        shape: Of the sheet.

    Returns:
        The box; the way along the stroke, 0 to 1 between its ends; the way across it, -1 to 1 between its edges; and
        its length.
    """
    low = np.maximum(np.floor(arc.min(0) - width).astype(int), 0)
    high = np.minimum(np.ceil(arc.max(0) + width).astype(int) + 1, (shape[1], shape[0]))
    if (low >= high).any():
        return None
    (sx, sy), (mx, my), (ex, ey) = arc.tolist()
    length = float(np.hypot(ex - sx, ey - sy)) + 1e-6
    ux, uy = (ex - sx) / length, (ey - sy) / length
    bow = float(np.clip((my - sy) * ux - (mx - sx) * uy, -length / 3, length / 3))
    x = np.arange(low[0], high[0], dtype=np.float32)[None, :] - np.float32(sx)
    y = np.arange(low[1], high[1], dtype=np.float32)[:, None] - np.float32(sy)
    along = (x * ux + y * uy) / length
    inner = np.clip(along, 0, 1)
    across = (y * ux - x * uy - 4 * bow * inner * (1 - inner)) / (width / 2)
    return (slice(low[1], high[1]), slice(low[0], high[0])), along, across, length


class Paint:
    """A canvas under wet paint: its colour, and its relief in pixels of height, for the light to fall on."""

    def __init__(self, canvas: Array, rng: np.random.Generator):
        # 32 bits: nine tenths of the time goes into blending strokes.
        self.canvas = canvas.astype(np.float32)
        self.relief = np.zeros(canvas.shape[:2], np.float32)
        self._rng = rng
        self._bristles = ndimage.gaussian_filter1d(rng.standard_normal((64, 96), np.float32), 1.1, axis=1)
        self._bristles /= self._bristles.std()
        self._ragged = ndimage.gaussian_filter1d(rng.standard_normal((64, 512), np.float32), 5, axis=1)
        self._ragged /= self._ragged.std()

    def stroke(
        self,
        arc: Array,
        width: float,
        colour: Array,
        *,
        body: float = 1.0,
        hairy: float = 1.0,
        streak: float = 0.06,
        square: bool = False,
    ) -> None:
        """One stroke of a loaded brush or knife.

        Args:
            arc: Its start, middle and end, (3, 2).
            width: Of the brush.
            colour: (3,), or (2, 3) where the load changes across the stroke.
            body: Height of the paint in pixels.
            hairy: How much of the relief is bristles; 0 is a knife's flat.
            streak: How far the colour varies with the bristles.
            square: Whether it ends straight, as a knife's does, or round.
        """
        shape = (self.canvas.shape[0], self.canvas.shape[1])
        own = frame(arc, width, shape)
        if own is None:
            return
        box, along, across, length = own
        row = int(self._rng.integers(64))
        hair = self._bristles[row][np.clip((across * 0.5 + 0.5) * 95, 0, 95).astype(int)]
        edge = self._ragged[row][np.clip(along * length + 40, 0, 511).astype(int)]
        past = np.maximum(np.maximum(-along, along - 1), 0) * length / (width / 2)
        sides = np.abs(across) + 0.07 * edge
        reach = np.maximum(sides, past * 3) if square else np.hypot(sides, past * 1.3 + 0.2 * hair * (past > 0))
        cover = smoothstep(1.0, 1.0 - 2.4 / width, reach)
        load = np.asarray(colour, np.float32)
        if load.ndim == 2:
            load = mix(
                np.broadcast_to(load[0], (*cover.shape, 3)), load[1], np.clip(across * 0.5 + 0.5 + 0.12 * hair, 0, 1)
            )
        wet = np.clip(load * (1 + streak * hair[..., None]), 0, 1)
        self.canvas[box] = mix(self.canvas[box], wet, cover)
        ridge = 0.8 * smoothstep(0.62, 0.95, np.abs(across)) + 0.7 * smoothstep(0.7, 1.0, along)
        height = body * (1 + 0.34 * hairy * hair + ridge)
        self.relief[box] += (height + 0.25 * self.relief[box] - self.relief[box]) * cover

    def lit(self, strength: float = 0.13, gloss: float = 0.0) -> Array:
        """The canvas in light from the upper left, which shades the slopes of its relief and shines on steep ones."""
        gy, gx = np.gradient(ndimage.gaussian_filter(self.relief, 0.7))
        slope = gx * 0.75 + gy * 0.66
        shaded = self.canvas * (1 + strength * np.clip(slope, -2.5, 2.5))[..., None]
        return np.clip(shaded + gloss * smoothstep(0.8, 2.2, slope)[..., None], 0, 1)


def detail(light: Array, sigma: float) -> Array:
    """Where much happens within `sigma` pixels: 0 on flat areas, 1 for the busiest."""
    busy = ndimage.gaussian_filter(ndimage.gaussian_gradient_magnitude(light, 1.5), sigma)
    return np.asarray(np.clip(busy / np.percentile(busy, 97), 0, 1))


def arcs(points: Array, angle: Array, length: float, rng: np.random.Generator) -> Array:
    """Start, middle and end (N, 3, 2) of strokes along `angle` through `points`, up to a third longer or shorter."""
    lines = trace(points, angle, length * rng.uniform(0.67, 1.33, len(points)), 4)
    return lines[:, [0, 4, 8]]
