"""Weak masks: what another network sees in photos of which nobody has drawn the subject."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from torchvision.transforms.v2 import functional as TF
from tqdm import tqdm

from impasto.masking.others import RembgModels
from impasto.training.photos import load_rgb
from impasto.training.subjects import Subject, find_subjects, load_mask

#: A mask says something if its subject covers this share of the picture and hardly any of it is gray.
_COVERED, _UNSURE = 0.02, 0.3


def mask_photos(photos: list[Path], folder: Path, model: str) -> list[Subject]:
    """Let one of rembg's models find the subject of each photo, as NAME.png; masks that are there are not made again.

    Args:
        photos: the pictures, of one folder.
        folder: where the masks go.
        model: one of `impasto_link.options.MASK_MODELS`.

    Returns:
        The photos of whose subject the model is sure, with their masks, which are weak.

    Raises:
        ModelProblem: rembg is not installed, or its model cannot be loaded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [path for path in photos if not (folder / f"{path.stem}.png").exists()]
    models = RembgModels()
    for path in tqdm(missing, desc=f"masks by {model}", unit="picture"):
        found = models.find(load_rgb(path)[None].float() / 255, model)
        TF.to_pil_image(found[0]).save(folder / f"{path.stem}.png")
    wanted = set(photos)
    masked = find_subjects(folder, photos=photos[0].parent) if photos else []
    return [one for one in masked if one.picture in wanted and is_sure(load_mask(one.mask).float() / 255)]


def is_sure(mask: Tensor) -> bool:
    """Whether a mask in [0, 1], of any shape, shows a subject, and hardly anything of which it is not sure."""
    doubt = 4 * mask * (1 - mask)
    return bool(mask.mean() > _COVERED and doubt.sum() < _UNSURE * mask.sum().clamp_min(1e-6))
