"""Training the network that finds the subject: from pictures and their masks to its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from impasto.compute.accelerator import pick_device
from impasto.engines.base import Studio
from impasto.engines.fixed.engine import FixedEngine
from impasto.engines.pictures import StyleReader
from impasto.masking.finder import SubjectFinder
from impasto.nets.unet import SubjectNet
from impasto.progress import Progress, Teller, nobody
from impasto.training.common import restore, train
from impasto.training.masks import MaskTrainer, MaskTrainingOptions, evaluate, look_at, mask_sheet
from impasto.training.painted import paint_copies
from impasto.training.photos import find_pictures
from impasto.training.subjects import Subject, find_subjects
from impasto.training.weak_masks import mask_photos
from impasto.zoo.library import Library, user_models
from impasto.zoo.storage import read_card
from impasto.zoo.subject import (
    FILE_NAME,
    TORCHVISION_ENCODER,
    load_encoder,
    load_subject_net,
    save_subject_net,
    subject_model,
)
from impasto_link.errors import BadRequest, ModelProblem

#: Of each set of pictures, its scores by name.
Scores = dict[str, dict[str, float]]

#: When the pictures are masked and painted that are learned from, as a share of the work.
_PREPARED = 0.1
#: On about so many of the pictures of ``val`` the training is measured in between.
_MEASURED = 48


@dataclass(frozen=True)
class SubjectPlan:
    """What to train from what.

    Attributes:
        subjects: folders of pictures NAME.jpg with masks NAME.png, white where the subject is.
        val: the same, only to measure on.
        weak: a folder of masks that a machine has made, of pictures in ``photos``.
        weak_model: the network that masks the pictures in ``photos``; where it is unsure, ``weak`` counts.
        photos: the pictures of ``weak`` and ``weak_model``.
        backgrounds: photos without a subject, or folders of them.
        encoder: MobileNetV2's weights; torchvision's if not given, downloaded once.
        start: the network to learn on from; empty for the one that is installed.
        average: with ``export``, folders of trainings from the same start, of whose networks the mean is written.
        no_painted: learn from photos only, not from paintings of them.
        device: where to compute; see `impasto_link.devices`.
        work: where checkpoints and logs go.
        output: where the network goes; the user's models if not given.
        export: train no further, write the network of the last checkpoint.
        command: how this was asked for, for the card.
    """

    subjects: list[Path]
    val: list[Path] = field(default_factory=list)
    weak: Path | None = None
    weak_model: str | None = None
    photos: Path | None = None
    backgrounds: list[Path] = field(default_factory=list)
    encoder: Path | None = None
    start: str | None = None
    average: list[Path] = field(default_factory=list)
    no_painted: bool = False
    device: str = "auto"
    work: Path = Path("runs/subject")
    output: Path | None = None
    export: bool = False
    command: str = ""


def train_subject_net(plan: SubjectPlan, settings: MaskTrainingOptions, tell: Teller = nobody) -> tuple[Path, Scores]:
    """Train, measure, and write the network. A training that was broken off is gone on with.

    Args:
        plan: what from what.
        settings: how.
        tell: told of the progress, in training with the losses and samples. What it raises leaves a checkpoint, from
            which the next call goes on; `impasto.progress.Enough` ends the training with what it has learned so far.

    Returns:
        The file of the network, and how good it is on the pictures of ``val``.

    Raises:
        BadRequest: there is nothing to learn from, or the plan contradicts itself.
        ModelProblem: a network to begin with cannot be loaded, or the new one cannot be written.
    """
    if (plan.weak or plan.weak_model) and not plan.photos:
        raise BadRequest("The weak masks need their pictures.", "Name their folder with --photos.")
    if plan.average and not plan.export:
        raise BadRequest("A mean is not trained any further.", "Give --export, too.")
    device = pick_device(plan.device)
    held_out = [one for folder in plan.val for one in find_subjects(folder)]
    backgrounds = [one for path in plan.backgrounds for one in (find_pictures(path) if path.is_dir() else [path])]
    progress = Progress(tell)
    subjects = _subjects(plan, settings, backgrounds, device, progress.part(0.0, _PREPARED))
    torch.manual_seed(settings.seed)
    trainer = MaskTrainer(subjects, backgrounds, *_begin(plan), settings, device)
    if plan.export:
        restore(trainer, plan.work)
        for folder in plan.average:
            trainer.take_along(folder)
    else:
        some = held_out[:: max(1, len(held_out) // _MEASURED)]
        train(
            trainer,
            plan.work,
            lambda: mask_sheet(trainer, some or subjects),
            look_at(trainer, some),
            progress=progress.part(_PREPARED, 1.0),
            every_s=180.0,
        )
    net = trainer.result.eval()
    scores = evaluate(net, held_out) if held_out else {}
    path = (plan.output or user_models()) / FILE_NAME
    save_subject_net(path, net, _card(plan, trainer, subjects, scores))
    return path, scores


def _subjects(
    plan: SubjectPlan,
    settings: MaskTrainingOptions,
    backgrounds: list[Path],
    device: torch.device,
    progress: Progress,
) -> list[Subject]:
    """All that there is to learn from, with painted copies unless those are not wanted."""
    subjects = [one for folder in plan.subjects for one in find_subjects(folder)]
    subjects += _weak(plan, backgrounds, device, progress.part(0.0, 0.5))
    if not subjects:
        raise BadRequest("There are no pictures with masks.", "A folder has to hold NAME.jpg and NAME.png.")
    unknown = settings.shares.keys() - {one.group for one in subjects}
    if unknown:
        raise BadRequest(f"No picture's name begins with {', '.join(sorted(unknown))}.", "See --shares.")
    if plan.no_painted:
        return subjects
    painted = plan.work / "painted"
    if not plan.export:
        library = Library()
        engine = FixedEngine(Studio(library, device, StyleReader(library, device)))
        paint_copies([one.picture for one in subjects], painted, engine, progress.part(0.5, 1.0))
    return [one.with_painted(painted) for one in subjects]


def _weak(plan: SubjectPlan, backgrounds: list[Path], device: torch.device, progress: Progress) -> list[Subject]:
    """What a machine has masked."""
    assert plan.photos is not None or not (plan.weak or plan.weak_model)
    weak = {one.picture: one for one in find_subjects(plan.weak, photos=plan.photos)} if plan.weak else {}
    if plan.weak_model and plan.photos is not None:
        empty = {path.resolve() for path in backgrounds}
        photos = [path for path in find_pictures(plan.photos) if path.resolve() not in empty]
        # Not kept: it has a memory.
        finder = SubjectFinder(Library(), device)
        masked = mask_photos(photos, plan.work / plan.weak_model, plan.weak_model, finder, progress)
        weak |= {one.picture: one for one in masked}
    return list(weak.values())


def _begin(plan: SubjectPlan) -> tuple[SubjectNet, dict[str, Any] | None]:
    """The network to begin with, and how it was trained, if it was."""
    if plan.start is not None:
        start = Path(plan.start) if plan.start else subject_model()
        return load_subject_net(start, to_train=True), read_card(start).get("training", {})
    try:
        return SubjectNet(load_encoder(plan.encoder)), None
    except (OSError, ValueError) as error:
        raise ModelProblem(f"MobileNetV2 cannot be loaded: {error}.", "Name a file with --encoder.") from error


def _card(plan: SubjectPlan, trainer: MaskTrainer, subjects: list[Subject], scores: Scores) -> dict[str, Any]:
    encoder = plan.encoder.name if plan.encoder else TORCHVISION_ENCODER
    return {
        "title": "Impasto Subject",
        "licence": "Apache-2.0",
        "training": {
            "steps": trainer.step,
            "subjects": sum(not one.weak for one in subjects),
            "weak_subjects": sum(one.weak for one in subjects),
            "weak_masks_by": [str(by) for by in (plan.weak and plan.weak.name, plan.weak_model) if by],
            **({"encoder": encoder} if plan.start is None else {}),
            "method": "UNet (arXiv 1505.04597) on MobileNetV2 (arXiv 1801.04381)",
            "command": plan.command,
            "history": trainer.history,
            **({"averaged_with": trainer.taken_along} if trainer.taken_along else {}),
        },
        "quality": {group: {key: round(value, 4) for key, value in found.items()} for group, found in scores.items()},
    }
