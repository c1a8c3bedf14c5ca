"""Painted copies of pictures, so that what learns from the pictures also learns to see paintings."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import torch
from torchvision.transforms.v2 import functional as TF
from tqdm import tqdm

from impasto.engines.fixed import FixedEngine
from impasto.imaging.resample import resize
from impasto.training.photos import load_rgb
from impasto_link.options import StyleChoice


def paint_copies(pictures: list[Path], folder: Path, engine: FixedEngine) -> None:
    """Paint each picture in one style of the library, at a strength and brush size of its own, as NAME.jpg.

    The choice depends on the name of the picture alone, and copies that are there are not painted again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    styles = [style.name for style in engine.library.styles()]
    missing = [path for path in pictures if not (folder / f"{path.stem}.jpg").exists()]
    for path in tqdm(missing, desc="painted copies", unit="picture"):
        choose = random.Random(zlib.crc32(path.stem.encode()))
        photo = load_rgb(path)[None].float() / 255
        height, width = photo.shape[-2:]
        scale = choose.uniform(0.8, 1.6)
        with torch.inference_mode():
            large = resize(photo, max(16, round(height * scale)), max(16, round(width * scale))).to(engine.device)
            painted = engine.paint(large, [StyleChoice(choose.choice(styles))], lambda done: None)
            painted = resize(painted.cpu(), height, width)
        mixed = torch.lerp(photo, painted, choose.uniform(0.5, 1.0)).clamp(0, 1)
        TF.to_pil_image(mixed[0]).save(folder / f"{path.stem}.jpg", quality=92)
