"""Painted copies of pictures, so that what learns from the pictures also learns to see paintings."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import torch

from impasto.engines.base import Engine, Wanted
from impasto.imaging.resample import resize
from impasto.progress import Progress, silent
from impasto.training.photos import name_of_own, readable, save_picture
from impasto_link.coats import StyleChoice


def paint_copies(pictures: list[Path], folder: Path, engine: Engine, progress: Progress | None = None) -> None:
    """Paint each picture in one style of the library, at a strength and brush size of its own.

    The copies are named by `name_of_own`. The choice depends on the file name of the picture alone, and copies that are
    there are not painted again. Pictures that cannot be read are left out with a warning.

    Args:
        pictures: what to paint.
        folder: where the copies go.
        engine: what paints.
        progress: told before each picture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    styles = [style.name for style in engine.studio.library.styles()]
    copies = {path: folder / f"{name_of_own(path)}.jpg" for path in pictures}
    missing = [path for path, copy in copies.items() if not copy.exists()]
    for path, picture in readable((progress or silent()).over(missing, "painting copies to learn from")):
        choose = random.Random(zlib.crc32(path.stem.encode()))
        photo = picture[None].float() / 255
        height, width = photo.shape[-2:]
        scale = choose.uniform(0.8, 1.6)
        with torch.inference_mode():
            large = resize(photo, max(16, round(height * scale)), max(16, round(width * scale)))
            painted = engine.paint(large, Wanted([StyleChoice(choose.choice(styles))]), silent())
            painted = resize(painted, height, width)
        mixed = torch.lerp(photo, painted, choose.uniform(0.5, 1.0)).clamp(0, 1)
        save_picture(mixed[0], copies[path])
