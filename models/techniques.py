"""Draws the example pictures of the techniques that the shipped bank offers beside its paintings.

    python models/techniques.py OUTDIR

writes one JPEG for each technique, always the same ones.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage, spatial
from skimage import color

import media
import motifs
from media import Labels
from motifs import Array, Motif, Shape, fractal, mix, smoothstep

SHAPE: Shape = (800, 1000)
QUALITY = 95

Technique = Callable[[Array, np.random.Generator], Array]


def charcoal(picture: Array, rng: np.random.Generator) -> Array:
    """Willow charcoal on warm gray paper: rubbed masses, strokes along the forms, contours, lights lifted out."""
    shape = picture.shape[:2]
    dark = (1 - media.tone(picture, 0.5)) ** 1.15
    angle = media.flow(1 - dark, 11, drift=0.9)
    tooth = media.grain(shape, rng, 4, laid=0.2)
    rubbed = ndimage.gaussian_filter(media.smeared(dark, angle, 30), 3)
    coat = 0.5 * rubbed * (0.8 + 0.4 * (1 - tooth))
    for spacing, width, length, low, turn in [
        (15, 16, 130, 0.15, 0.12),
        (11, 9, 90, 0.32, -0.2),
        (8, 5, 70, 0.42, 0.28),
        (6.5, 3.2, 52, 0.56, 0.0),
    ]:
        points = media.scatter(shape, spacing, rng)
        here = media.at(dark, points)
        points, here = points[here > low], here[here > low]
        lines = media.wobbly(media.trace(points, angle + turn, length * rng.uniform(0.5, 1.3, len(points))), rng, 1.0)
        widths = [media.tapered(25, width * w, 0.3) for w in rng.uniform(0.5, 1.2, len(points))]
        press = np.clip((0.3 + 0.9 * (here - low)) * rng.uniform(0.4, 1.3, len(here)), 0, 1)
        layer = ndimage.gaussian_filter(media.ribbons(shape, lines, widths, press, fine=2), 0.5)
        streaks = media.evened(media.smeared(rng.standard_normal(shape), angle + turn, 26) * 3.2 - 1.2 * tooth)
        coat = 1 - (1 - coat) * (1 - 0.6 * media.deposit(1 - streaks, layer, 0.4))
    line = ndimage.gaussian_filter(media.contours(ndimage.gaussian_filter(1 - dark, 1), 2.4), 0.8)
    coat = 1 - (1 - coat) * (1 - 0.85 * media.deposit(tooth, line * (0.8 + 0.2 * fractal(shape, 40, rng, 1.5)), 0.4))
    paper = np.array([0.83, 0.795, 0.73]) * (1 + 0.015 * fractal(shape, 12, rng, 0.9))[..., None]
    drawn = mix(paper, (0.085, 0.08, 0.08), np.clip(coat, 0, 0.97))
    points = media.scatter(shape, 8, rng)
    points = points[media.at(dark, points) < 0.1]
    lights = media.trace(points, angle, rng.uniform(14, 50, len(points)))
    chalk = media.ribbons(shape, lights, [media.tapered(25, 6)] * len(lights), [0.75] * len(lights), fine=2)
    return mix(drawn, (0.97, 0.955, 0.92), 0.8 * media.deposit(tooth, ndimage.gaussian_filter(chalk, 1), 0.35))


def ink_hatching(picture: Array, rng: np.random.Generator) -> Array:
    """Pen and ink on ivory paper: tone by layers of lines that cross one another, contours by a firmer pen."""
    shape = picture.shape[:2]
    dark = 1 - media.tone(picture, 0.35)
    angle = media.flow(1 - dark, 16, drift=0.75)
    ink = np.zeros(shape)
    for turn, spacing, low in [
        (0.0, 5.5, 0.2),
        (0.8, 5.5, 0.4),
        (-0.55, 5.0, 0.56),
        (1.5, 4.5, 0.7),
        (0.35, 3.5, 0.82),
    ]:
        points = media.scatter(shape, 4, rng)
        points = points[media.at(dark, points) > low]
        lines = media.trace(points, angle + turn, rng.uniform(70, 170, len(points)), 22)
        kept = [media.wobbly(line[None], rng, 0.45)[0] for line in media.spread(lines, shape, spacing)]
        widths = []
        for line in kept:
            press = smoothstep(low - 0.04, low + 0.4, media.at(dark, line))
            widths.append((0.1 + 2.1 * press**0.8) * media.tapered(len(line), 1.0, 0.3))
        ink = np.maximum(ink, media.ribbons(shape, kept, widths, [1.0] * len(kept)))
    line = smoothstep(0.35, 0.6, media.contours(1 - dark, 1.5))
    flowing = 0.93 + 0.05 * fractal(shape, 50, rng, 1.3)
    paper = np.array([0.955, 0.925, 0.855]) * (1 + 0.012 * fractal(shape, 120, rng, 1.2))[..., None]
    return mix(paper, (0.10, 0.075, 0.07), np.clip(np.maximum(ink, line) * flowing, 0, 1))


def watercolour(picture: Array, rng: np.random.Generator) -> Array:
    """Transparent washes on white paper, after Curtis et al. 1997 and Bousseau et al. 2006.

    Each wash is thinner or thicker by chance, settles in the paper's valleys, and dries with a dark edge; the first
    ones run into one another, and backruns bloom.
    """
    shape = picture.shape[:2]
    tooth = media.grain(shape, rng, 7)
    bright = media.vivid(np.clip(picture**0.72 * 1.04, 0, 1), 1.15)
    absorbed = -np.log(np.clip(bright, 0.05, 0.985))
    wet = ndimage.gaussian_filter(media.warped(absorbed, rng, 7, 90), (14, 14, 0))
    density = 0.42 * wet * (1 + 0.30 * fractal(shape, 150, rng, 1.9))[..., None]
    for count, threshold, share, period in [(130, 22, 0.36, 90), (520, 12, 0.42, 50)]:
        labels = media.warped(media.regions(picture, count, threshold), rng, 3.0, period)
        colours = media.means(absorbed, labels)
        thick = rng.uniform(0.65, 1.3, len(colours))[labels]
        inner = media.edge_distance(labels)
        dried = 0.75 * np.exp(-inner / 2.2) + 0.22 * np.exp(-inner / 9)
        uneven = np.clip(1 + 0.28 * fractal(shape, period, rng, 1.8), 0.3, 2)
        open_paper = smoothstep(0.0, 1.6, inner + 1.1 * fractal(shape, 40, rng, 1.5) + 0.9)
        density += share * colours[labels] * (thick * uneven * (0.82 + dried) * open_paper)[..., None]
    bloom = fractal(shape, 130, rng, 2.3) + 0.12 * fractal(shape, 12, rng, 1.5)
    rim = np.exp(-(((bloom - 1.25) / 0.05) ** 2)) - 0.5 * smoothstep(1.25, 1.5, bloom)
    density *= (1 + 0.55 * rim)[..., None]
    density *= (0.86 + 0.26 * tooth * smoothstep(0.05, 0.5, density.mean(-1)))[..., None]
    paper = np.array([0.985, 0.975, 0.95]) * (1 - 0.035 * (tooth - 0.5))[..., None]
    return np.clip(paper * np.exp(-np.clip(density, 0, None)), 0, 1)


def _gouged(light: Array, angle: Array, spacing: float, length: float, rng: np.random.Generator, low: float) -> Array:
    """What a gouge cut out of the block (H, W): spindles along `angle`, the wider the lighter it is there."""
    shape = light.shape
    points = media.scatter(shape, spacing * 0.55, rng)
    points = points[media.at(light, points) > low]
    lines = media.trace(points, angle, length * rng.uniform(0.5, 1.4, len(points)), 14)
    kept = media.spread(lines, shape, spacing, 6)
    widths = []
    for line in kept:
        here = ndimage.gaussian_filter1d(media.at(light, line), 1.5)
        full = spacing * 1.18 * smoothstep(low - 0.18, 0.92, here) ** 0.75
        widths.append(full * media.tapered(len(line), 1.0, 0.5) * rng.uniform(0.85, 1.1))
    return media.ribbons(shape, kept, widths, [1.0] * len(kept))


def woodcut(picture: Array, rng: np.random.Generator) -> Array:
    """A print from a plank: black key block whose lights are carved along the forms, over two colour blocks."""
    shape = picture.shape[:2]
    light = media.tone(picture, 0.75)
    angle = media.flow(light, 10, drift=0.05)
    carved = np.maximum(
        _gouged(light, angle, 8.5, 120, rng, 0.2), smoothstep(0.86, 0.93, ndimage.gaussian_filter(light, 2))
    )
    key = np.clip(1 - carved + smoothstep(0.3, 0.6, media.contours(light, 2.4)), 0, 1)
    plank = fractal(shape, 70, rng, 1.1, stretch=14)
    inked = 0.96 - 0.22 * smoothstep(1.1, 2.2, plank) - 0.06 * fractal(shape, 6, rng, 0.6).clip(0, 3)
    paper = np.array([0.945, 0.905, 0.815]) * (1 + 0.014 * fractal(shape, 40, rng, 0.9))[..., None]
    warm, cool = _colour_blocks(picture, rng)
    printed = paper
    for block, ink in [(warm, (0.86, 0.42, 0.2)), (cool, (0.36, 0.55, 0.6))]:
        cover = block * np.clip(0.84 - 0.3 * smoothstep(0.6, 2.2, fractal(shape, 70, rng, 1.1, stretch=14)), 0, 1)
        printed = printed * mix(np.ones_like(paper), ink, cover)
    return mix(printed, (0.075, 0.07, 0.075), np.clip(key * inked, 0, 1))


def _colour_blocks(picture: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Where a warm and a cool block print (H, W): flat shapes, cut freely and printed a little off."""
    lab = color.rgb2lab(ndimage.gaussian_filter(picture, (4, 4, 0)))
    warmth = media.warped(lab[..., 1] + 0.9 * lab[..., 2], rng, 2.5, 60)
    off = ndimage.shift(warmth, (2, -3), order=1, mode="nearest")
    middle, half = np.median(warmth), 0.12 * warmth.std()
    return smoothstep(-1, 1, off - middle - half), smoothstep(-1, 1, middle - half - warmth)


def linocut(picture: Array, rng: np.random.Generator) -> Array:
    """A print from linoleum: flat solid inks, a dark key block with broad gouge marks, ridges where it was cleared."""
    shape = picture.shape[:2]
    calm = np.stack([ndimage.median_filter(picture[..., i], 11) for i in range(3)], -1)
    light = media.tone(calm, 0.6) ** 0.75
    angle = media.flow(light, 12, drift=0.9)
    inks = np.array([(0.95, 0.92, 0.85), (0.92, 0.67, 0.2), (0.82, 0.25, 0.17), (0.2, 0.52, 0.48), (0.3, 0.36, 0.6)])
    lab = color.rgb2lab(media.vivid(calm, 1.1, 1.25))
    nearest = ((lab[..., None, :] - color.rgb2lab(inks)) * (0.35, 1, 1)) ** 2
    chosen = ndimage.median_filter(media.warped(nearest.sum(-1).argmin(-1), rng, 2.0, 60), 9)
    paper = np.array([0.955, 0.935, 0.88]) * (1 + 0.01 * fractal(shape, 30, rng, 0.8))[..., None]
    printed = paper
    for n, ink in enumerate(inks[1:], 1):
        block = ndimage.gaussian_filter((chosen == n) * 1.0, 0.7)
        speckle = smoothstep(1.3, 2.4, fractal(shape, 7, rng, 0.8))
        off = ndimage.shift(block, rng.uniform(-2.5, 2.5, 2), order=1, mode="nearest")
        printed = mix(printed, ink, off * (0.97 - 0.5 * speckle))
    cleared = smoothstep(0.66, 0.7, light + 0.03 * fractal(shape, 50, rng, 1.6))
    cut = np.maximum(_gouged(light, angle, 12.5, 84, rng, 0.16), cleared)
    key = np.maximum(1 - cut, smoothstep(0.2, 0.45, media.contours(light, 3.2, level=0.008)))
    key = smoothstep(0.42, 0.58, ndimage.gaussian_filter(key, 1.0))
    speckle = smoothstep(1.5, 2.4, fractal(shape, 5, rng, 0.7))
    return mix(printed, (0.07, 0.085, 0.13), np.clip(key * (0.97 - 0.5 * speckle), 0, 1))


def mosaic(picture: Array, rng: np.random.Generator) -> Array:
    """Glass and stone tesserae in rows along the contours (Hausner 2001), in dark grout, each tilted its own way."""
    shape = picture.shape[:2]
    side = 17.0
    labels = media.regions(picture, 160, 26)
    rows = media.edge_distance(labels)
    gy, gx = np.gradient(ndimage.gaussian_filter(np.minimum(rows, 60), 3))
    across = np.stack([ndimage.gaussian_filter(part, 7) for part in (gx * gx - gy * gy, 2 * gx * gy)])
    angle = 0.5 * np.arctan2(across[1], across[0])
    points = _settled(media.scatter(shape, side, rng), angle, rows, side)
    own, slack, u, v = _tiles(points, angle, shape, side, rng)
    colours = media.means(picture, own)
    colours = media.vivid(np.clip(media.jittered(colours, rng, 0.014, 0.07, 0.075), 0.03, 1), 1.3, 1.1)
    golden = rng.uniform(size=len(colours)) < 0.05
    colours[golden] = colours[golden] * 0.5 + np.array([0.86, 0.66, 0.24]) * 0.5
    tilt = rng.normal(0, 0.1, (2, len(points)))
    facet = 1 + tilt[0][own] * u + tilt[1][own] * v + 0.05 * fractal(shape, 14, rng, 1.2)
    bevel = np.exp(-slack / 1.4) * (-u * 0.6 - v * 0.6)
    tesserae = colours[own] * (facet + 0.35 * bevel)[..., None]
    shiny = (rng.uniform(size=len(points)) < 0.3)[own]
    tesserae += (0.17 * smoothstep(0.75, 0.2, np.hypot(u + 0.35, v + 0.35)) * shiny)[..., None]
    grout = np.array([0.30, 0.275, 0.25]) * (1 + 0.16 * fractal(shape, 5, rng, 0.9))[..., None]
    shadow = 1 - 0.35 * ndimage.shift(smoothstep(0.6, 1.6, slack), (1.5, 1.5), order=1)
    return np.clip(mix(grout * shadow[..., None], tesserae, smoothstep(0.7, 1.7, slack)), 0, 1)


def _settled(points: Array, angle: Array, rows: Array, side: float) -> Array:
    """`points` after Lloyd's steps with squares turned along `angle` for cells, kept off the edges of regions."""
    y, x = np.mgrid[: rows.shape[0] : 2, : rows.shape[1] : 2]
    pixels = np.stack([x.ravel(), y.ravel()], 1).astype(float)
    weight = np.where(media.at(rows, pixels) < 1.5, 0.02, 1.0)
    for _ in range(14):
        own = _square_cells(points, angle, pixels)[0]
        total = np.bincount(own, weight, len(points)) + 1e-9
        moved = np.stack([np.bincount(own, weight * pixels[:, i], len(points)) / total for i in (0, 1)], 1)
        points = np.where((total > 1)[:, None], moved, points)
    return points


def _square_cells(points: Array, angle: Array, pixels: Array) -> tuple[Labels, Array, Array, Array]:
    """For each pixel: the nearest tile by its own turned Chebyshev distance, how far the next one is, the way to it."""
    near: Labels = np.asarray(spatial.KDTree(points).query(pixels, 8)[1], np.int64)
    turn = media.at(angle, points)[near]
    way = pixels[:, None] - points[near]
    u = way[..., 0] * np.cos(turn) + way[..., 1] * np.sin(turn)
    v = way[..., 1] * np.cos(turn) - way[..., 0] * np.sin(turn)
    far = np.maximum(np.abs(u), np.abs(v))
    best = far.argmin(1)[:, None]
    lowest = np.take_along_axis(far, best, 1)
    own = np.take_along_axis(near, best, 1)[:, 0]
    u, v = (np.take_along_axis(field, best, 1)[:, 0] for field in (u, v))
    np.put_along_axis(far, best, np.inf, 1)
    return own, (far.min(1) - lowest[:, 0]) / 2, u, v


def _tiles(
    points: Array, angle: Array, shape: Shape, side: float, rng: np.random.Generator
) -> tuple[Labels, Array, Array, Array]:
    """For each pixel (H, W): its tile, how far inside it lies in pixels, and where in it, -1 to 1 both ways."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    pixels = np.stack([x.ravel(), y.ravel()], 1).astype(float)
    flat = _square_cells(points, angle, pixels)
    own = flat[0].reshape(shape)
    gap, u, v = (field.reshape(shape) for field in flat[1:])
    chipped = 0.5 * fractal(shape, 16, rng, 1.7)
    half_u, half_v = (side * rng.uniform(0.46, 0.6, len(points)) for _ in range(2))
    inside = np.minimum(half_u[own] - np.abs(u), half_v[own] - np.abs(v)) + chipped
    slack = np.minimum(inside, gap + 0.5 * chipped)
    return own, slack, u / (side / 2), v / (side / 2)


def stained_glass(picture: Array, rng: np.random.Generator) -> Array:
    """Coloured glass in lead, for a picture of flat panes: streaks and seeds, light spilling over, soldered joints."""
    shape = picture.shape[:2]
    colours, labels = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True)
    labels = media.warped(labels.reshape(shape), rng, 0.8, 80)
    inner = ndimage.gaussian_filter(media.edge_distance(labels), 0.8)
    colours = media.vivid(media.jittered(colours, rng, 0.015, 0.06, 0.07), 1.25, 1.0)
    streaks = np.stack([fractal(shape, 130, rng, 1.6, stretch) for stretch in (0.2, 1.0, 5.0)])
    y, x = np.mgrid[: shape[0], : shape[1]]
    streaky = streaks[rng.integers(0, 3, len(colours))[labels], y, x]
    seeds = smoothstep(2.6, 3.4, fractal(shape, 6, rng, 0.9))
    glow = 1.35 - 0.75 * np.hypot(x / shape[1] - 0.5, y / shape[0] - 0.42)
    light = glow * np.clip(1 + 0.22 * streaky + 0.08 * fractal(shape, 20, rng, 1.4) - 0.4 * np.exp(-inner / 8), 0.25, 2)
    glass = 1 - np.exp(-1.75 * colours[labels] ** 1.35 * light[..., None]) + 0.1 * seeds[..., None]
    crowd = ndimage.maximum_filter(labels, 7) != ndimage.minimum_filter(labels, 7)
    solder = smoothstep(0.72, 0.86, ndimage.gaussian_filter(crowd * 1.0, 5))
    reach = 3.6 + 0.5 * fractal(shape, 60, rng, 2.0) + 2.5 * solder
    lead = smoothstep(0.8, -0.8, inner - reach)
    gy, gx = np.gradient(ndimage.gaussian_filter(np.minimum(inner, reach), 1.2))
    rounded = 0.11 + 0.13 * np.clip(-(gx + gy), -0.6, 1) + 0.015 * fractal(shape, 6, rng, 0.8)
    window = mix(glass, np.array([0.95, 0.97, 1.05]) * np.clip(rounded, 0.02, 1)[..., None], lead)
    return np.clip(window + 0.12 * ndimage.gaussian_filter(glass * (1 - lead)[..., None], (10, 10, 0)), 0, 1)


def pastel(picture: Array, rng: np.random.Generator) -> Array:
    """Soft pastel on dark violet paper: broken strokes over one another, colour beside colour, the finest last."""
    shape = picture.shape[:2]
    light = media.tone(picture)
    angle = media.flow(light, 9)
    tooth = media.grain(shape, rng, 6, laid=0.15)
    sheet = np.array([0.44, 0.38, 0.39]) * (1 + 0.05 * fractal(shape, 8, rng, 0.8))[..., None]
    rich = media.vivid(picture, 1.25, 1.08)
    busy = media.detail(light, 8)
    for spacing, width, length, press, finest in [
        (13, 22, 100, 0.62, 0.0),
        (10, 13, 70, 0.62, 0.0),
        (8, 9, 52, 0.66, 0.0),
        (6, 6, 34, 0.78, 0.22),
        (5, 4, 22, 0.9, 0.5),
    ]:
        points = media.scatter(shape, spacing, rng)
        points = points[media.at(busy, points) >= finest]
        turned = angle + 0.3 * fractal(shape, 120, rng, 2.0)
        lines = media.trace(points, turned, length * rng.uniform(0.5, 1.3, len(points)), 8)
        colours = media.jittered(media.at(rich, points), rng, 0.035, 0.10, 0.07)
        widths = [media.tapered(17, width * w, 0.22) for w in rng.uniform(0.6, 1.2, len(points))]
        chalk = media.ribbons(shape, lines, widths, colours, (0.0, 0.0, 0.0), fine=2)
        pressed = media.ribbons(shape, lines, widths, press * rng.uniform(0.45, 1.2, len(points)), fine=2)
        streaks = 0.12 * media.smeared(rng.standard_normal(shape), turned, 18) * 4
        sheet = mix(
            sheet, chalk, 0.9 * media.deposit(tooth, np.where(pressed > 0, pressed + streaks, 0).clip(0, 1), 0.4)
        )
    return np.clip(sheet, 0, 1)


def coloured_pencil(picture: Array, rng: np.random.Generator) -> Array:
    """Coloured pencils on white paper: layers of hatching in neighbouring hues, through which the paper sparkles."""
    shape = picture.shape[:2]
    light = media.tone(picture, 0.3)
    tooth = media.grain(shape, rng, 3)
    form = media.flow(light, 12, drift=-0.8)
    rich = media.vivid(picture, 1.5, 1.12)
    drawn = np.array([0.975, 0.965, 0.945]) * (1 + 0.008 * fractal(shape, 20, rng, 0.8))[..., None]
    for turn, spacing, low in [
        (0.0, 6, 0.05),
        (0.45, 6, 0.12),
        (-0.3, 6, 0.2),
        (0.15, 5.5, 0.3),
        (0.9, 6, 0.42),
        (-0.1, 5.5, 0.5),
    ]:
        points = media.scatter(shape, spacing, rng)
        full = 1 - media.at(rich, points).min(1)
        points, full = points[full > low], full[full > low]
        lines = media.wobbly(media.trace(points, form + turn, rng.uniform(30, 90, len(points)), 7), rng, 0.7)
        pencil = media.jittered(media.at(rich, points), rng, 0.06, 0.14, 0.10)
        widths = [media.tapered(15, w, 0.3) for w in rng.uniform(2.0, 3.6, len(points))]
        tint = media.ribbons(shape, lines, widths, pencil, (1.0, 1.0, 1.0), fine=2)
        press = np.clip((0.3 + 0.6 * full) * rng.uniform(0.6, 1.3, len(points)), 0, 1)
        cover = media.deposit(tooth, media.ribbons(shape, lines, widths, press, fine=2), 0.55)
        drawn = mix(drawn, tint * (0.75 + 0.25 * drawn), 0.75 * cover)
    return np.clip(drawn, 0, 1)


def palette_knife(picture: Array, rng: np.random.Generator) -> Array:
    """Oil laid on with a knife: thick flat slabs of half-mixed colour with raised edges, in light from the side."""
    shape = picture.shape[:2]
    light = media.tone(picture)
    angle = media.flow(light, 14, drift=0.4)
    rich = media.vivid(picture, 1.3, 1.05)
    paint = media.Paint(rich * 0.6 + np.array([0.16, 0.1, 0.07]), rng)
    busy = media.detail(light, 9)
    for spacing, width, length, finest in [
        (18, 48, 100, 0.0),
        (17, 34, 76, 0.05),
        (13, 22, 52, 0.3),
        (9, 12, 30, 0.62),
    ]:
        points = media.scatter(shape, spacing, rng)
        points = points[media.at(busy, points) >= finest]
        turned = angle + 0.3 * fractal(shape, 160, rng, 2.0)
        smooth = ndimage.gaussian_filter(rich, (width / 8, width / 8, 0))
        first = media.jittered(media.at(smooth, points), rng, 0.02, 0.09, 0.07)
        second = media.jittered(first, rng, 0.03, 0.1, 0.09)
        sizes = width * rng.uniform(0.6, 1.25, len(points))
        pulls = media.arcs(points, turned, length, rng)
        pulls[:, 1] = pulls[:, ::2].mean(1)  # a knife is pulled straight
        for arc, size, load in zip(pulls, sizes, np.stack([first, second], 1), strict=True):
            paint.stroke(arc, size, load, body=3.2, hairy=0.16, streak=0.03, square=True)
    return paint.lit(0.16, 0.16)


def impasto(picture: Array, rng: np.random.Generator) -> Array:
    """Oil in curved brush strokes from coarse to fine (Hertzmann 1998), its bristles in relief."""
    shape = picture.shape[:2]
    light = media.tone(picture)
    angle = media.flow(light, 10)
    rich = media.vivid(picture, 1.35, 1.08)
    paint = media.Paint(np.full(picture.shape, (0.42, 0.3, 0.2)), rng)
    busy = media.detail(light, 8)
    for spacing, width, length, finest in [(13, 26, 120, 0.0), (10, 16, 84, 0.0), (8, 10, 52, 0.3), (6, 6, 30, 0.55)]:
        points = media.scatter(shape, spacing, rng)
        points = points[media.at(busy, points) >= finest]
        turned = angle + 0.2 * fractal(shape, 200, rng, 2.4)
        smooth = ndimage.gaussian_filter(rich, (width / 8, width / 8, 0))
        loads = media.jittered(media.at(smooth, points), rng, 0.025, 0.10, 0.085)
        sizes = width * rng.uniform(0.7, 1.2, len(points))
        for arc, size, load in zip(media.arcs(points, turned, length, rng), sizes, loads, strict=True):
            paint.stroke(arc, size, load, body=2.2, hairy=1.0, streak=0.07)
    return paint.lit(0.15, 0.1)


def pointillism(picture: Array, rng: np.random.Generator) -> Array:
    """Dots of pure colour that mix in the eye (after Seurat and Signac): neighbours differ in hue, darks are violet."""
    shape = picture.shape[:2]
    light = media.tone(picture)
    angle = media.flow(light, 8)
    rich = media.vivid(picture, 1.3, 1.12)
    paint = media.Paint(mix(rich * 0.55 + 0.42, (0.96, 0.9, 0.76), np.full(shape, 0.35)), rng)
    for spacing, width in [(9, 11.5), (7.5, 9.5), (6.5, 8.0)]:
        points = media.scatter(shape, spacing, rng)
        colours = media.jittered(media.at(rich, points), rng, 0.06, 0.12, 0.10)
        shade = media.at(light, points)
        away = rng.uniform(size=len(points)) < 0.09
        hsv = color.rgb2hsv(colours)
        hsv[away, 0] = (hsv[away, 0] + 0.5) % 1
        hsv[:, 1] = np.clip(hsv[:, 1] * 1.3 + 0.1, 0, 0.95)
        hsv[:, 2] = np.clip(hsv[:, 2] * 0.85 + 0.15, 0, 1)
        colours = color.hsv2rgb(hsv)
        violet = (shade < 0.3) & (rng.uniform(size=len(points)) < 0.4)
        colours[violet] = colours[violet] * 0.5 + np.array([0.24, 0.16, 0.5]) * 0.5
        sizes = width * rng.uniform(0.75, 1.15, len(points))
        for arc, size, load in zip(media.arcs(points, angle, width * 0.4, rng), sizes, colours, strict=True):
            paint.stroke(arc, size, load, body=1.3, hairy=0.3, streak=0.02)
    return paint.lit(0.1)


def gouache(picture: Array, rng: np.random.Generator) -> Array:
    """Opaque matt paint in flat planes: broad dry strokes within each plane, edges that overlap, few middle tones."""
    shape = picture.shape[:2]
    labels = media.warped(media.regions(picture, 420, 16), rng, 2.0, 70)
    colours = media.vivid(media.means(picture, labels), 1.25, 1.1)
    flat = colours[labels]
    angle = media.flow(media.tone(flat), 12, drift=0.25)
    paint = media.Paint(media.vivid(flat, 1.1, 0.8), rng)
    inner = media.edge_distance(labels)
    for spacing, width, length, room in [(11, 24, 110, 9), (8, 12, 60, 4), (6, 7, 30, 1.5)]:
        points = media.scatter(shape, spacing, rng)
        points = points[media.at(inner, points) > room]
        loads = media.jittered(media.at(flat, points), rng, 0.008, 0.035, 0.035)
        for arc, load in zip(media.arcs(points, angle, length, rng), loads, strict=True):
            paint.stroke(arc, width * rng.uniform(0.7, 1.2), load, body=0.8, hairy=0.8, streak=0.03)
    tooth = media.grain(shape, rng, 5)
    return np.clip(paint.lit(0.07) * (0.965 + 0.05 * tooth)[..., None], 0, 1)


TECHNIQUES: dict[str, tuple[Technique, Motif]] = {
    "charcoal": (charcoal, motifs.still_life),
    "ink-hatching": (ink_hatching, motifs.still_life),
    "watercolour": (watercolour, motifs.landscape),
    "woodcut": (woodcut, motifs.landscape),
    "linocut": (linocut, motifs.flowers),
    "mosaic": (mosaic, motifs.landscape),
    "stained-glass": (stained_glass, motifs.panes),
    "pastel": (pastel, motifs.landscape),
    "coloured-pencil": (coloured_pencil, motifs.cat),
    "palette-knife": (palette_knife, motifs.landscape),
    "impasto": (impasto, motifs.still_life),
    "pointillism": (pointillism, motifs.landscape),
    "gouache": (gouache, motifs.flowers),
}


def draw(name: str, shape: Shape = SHAPE) -> Array:
    """The example picture (H, W, 3) of the technique `name`, from 0 to 1; the same each time."""
    technique, motif = TECHNIQUES[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return np.clip(technique(motif(shape, rng), rng), 0, 1)


def main() -> None:
    """Writes all of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--size", nargs=2, type=int, default=SHAPE[::-1], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("names", nargs="*", default=list(TECHNIQUES), metavar="NAME")
    arguments = parser.parse_args()
    arguments.outdir.mkdir(parents=True, exist_ok=True)
    shapes = [tuple(arguments.size[::-1])] * len(arguments.names)
    with ProcessPoolExecutor() as processes:
        for name, picture in zip(arguments.names, processes.map(draw, arguments.names, shapes), strict=True):
            pixels = np.rint(picture * 255).astype(np.uint8)
            Image.fromarray(pixels).save(arguments.outdir / f"{name}.jpg", quality=QUALITY, subsampling=0)


if __name__ == "__main__":
    main()
