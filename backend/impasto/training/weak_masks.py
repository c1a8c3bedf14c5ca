"""Weak masks: what another network sees in photos of which nobody has drawn the subject."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from impasto.masking.finder import SubjectFinder
from impasto.progress import Progress, silent
from impasto.training.photos import name_of_own, readable, save_picture
from impasto.training.subjects import Subject, load_mask
from impasto_link.sentences import say

#: A mask says something if its subject covers this share of the picture and hardly any of it is gray.
_COVERED, _UNSURE = 0.02, 0.3


def mask_photos(
    photos: list[Path], folder: Path, model: str, finder: SubjectFinder, progress: Progress | None = None
) -> list[Subject]:
    """Let a trained network find the subject of each photo; masks that are there are not made again.

    Args:
        photos: the pictures; those that cannot be read are left out with a warning.
        folder: where the masks go, named by `name_of_own`.
        model: one of `impasto.masking.models.mask_models`.
        finder: what runs it.
        progress: told before each photo.

    Returns:
        The photos of whose subject the model is sure, with their masks, which are weak.

    Raises:
        ModelProblem: the network is not there.
        OSError: a mask that is there cannot be read, or a new one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    masks = {path: folder / f"{name_of_own(path)}.png" for path in photos}
    missing = [path for path, mask in masks.items() if not mask.exists()]
    told = (progress or silent()).over(missing, say("masking photos by {model}", model=model))
    for path, photo in readable(told):
        save_picture(finder.find(photo[None].float() / 255, model)[0], masks[path])
    made = [Subject(path, mask, weak=True) for path, mask in masks.items() if mask.exists()]
    return [one for one in made if is_sure(load_mask(one.mask).float() / 255)]


def is_sure(mask: Tensor) -> bool:
    """Whether a mask in [0, 1], of any shape, shows a subject, and hardly anything of which it is not sure."""
    doubt = 4 * mask * (1 - mask)
    return bool(mask.mean() > _COVERED and doubt.sum() < _UNSURE * mask.sum().clamp_min(1e-6))
