"""Training a student: from the banks of a library and photos to the file of a small network that paints like them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impasto.compute.accelerator import pick_device
from impasto.execution.style_bank import FoldedStyleBank
from impasto.nets.encoder import CompactEncoder
from impasto.nets.style_bank import StyleBankNet
from impasto.progress import Progress, Teller, nobody
from impasto.training.common import restore, train
from impasto.training.photos import find_pictures, is_held_out
from impasto.training.pruning import cut
from impasto.training.student_net import SlimTrainer, StudentOptions, StudentTrainer, Teacher
from impasto.training.styles import preview_photos
from impasto.zoo.bank import StyleCodes, fingerprint, load_body, load_codes
from impasto.zoo.encoder import load_compact_encoder
from impasto.zoo.library import Library, Style, other_models, shipped_models, user_models
from impasto.zoo.student import save_student, student_at
from impasto_link.errors import BadRequest, ModelProblem, quoted


@dataclass(frozen=True)
class StudentPlan:
    """What to train from what.

    Attributes:
        photos: the folder of photos to learn from, some thousand.
        bank: whose network is imitated, in the styles of all banks that share it.
        name: of the student.
        width: channels of its first layer.
        blocks: its residual blocks.
        device: where to compute; see `impasto_link.devices`.
        work: where checkpoints and logs go; ``runs/NAME`` if not given.
        output: where the student goes; the user's models if not given.
        export: train no further, write the student of the last checkpoint.
        command: how this was asked for, for the card.
    """

    photos: Path
    bank: str = "classic"
    name: str = "small"
    width: int = 8
    blocks: int = 3
    device: str = "auto"
    work: Path | None = None
    output: Path | None = None
    export: bool = False
    command: str = ""


#: What share of the work is over when the channels are chosen, and when the student is trained; then it is measured.
_SLIM, _TRAINED = 0.1, 0.98
#: On how many held-out photos, and of which side, it is measured how like its teacher a student paints.
_PHOTOS, _SIDE = 6, 256


def train_student(plan: StudentPlan, settings: StudentOptions, tell: Teller = nobody) -> Path:
    """Choose the channels that count, train the network that is left, and write it. Goes on where it was broken off.

    Args:
        plan: what from what.
        settings: how.
        tell: told of the progress, in training with the losses and samples. What it raises leaves a checkpoint, from
            which the next call goes on; `impasto.progress.Enough` ends the training with what it has learned so far.

    Returns:
        The file of the student.

    Raises:
        BadRequest: there are no photos, the student would be no smaller than its teacher, or the name is taken.
        ModelProblem: the bank is not there, or the student cannot be written.
    """
    pictures = find_pictures(plan.photos) if plan.photos.is_dir() else []
    photos = [path for path in pictures if not is_held_out(path)]
    if not photos:
        raise BadRequest(f"There are no photos in {plan.photos}.", "Name a folder with --photos.")
    if settings.crop < CompactEncoder.min_size:
        least = CompactEncoder.min_size
        raise BadRequest(f"Crops of {settings.crop} pixels are too small.", f"Give {least} or more with --crop.")
    library = Library()
    taught = _teacher(plan, library)
    path = _place(plan, library, taught.body)
    device, encoder, progress = pick_device(plan.device), load_compact_encoder(), Progress(tell)
    work, previews = plan.work or Path("runs") / plan.name, preview_photos(pictures, _PHOTOS, _SIDE)

    def student(net: StyleBankNet, codes: Tensor) -> StudentTrainer:
        return StudentTrainer(taught.teacher, net, codes, photos, encoder, settings, device)

    # What a checkpoint holds takes the place of what a student begins with.
    blank = StyleBankNet(plan.width, plan.blocks)
    count = len(taught.teacher.all_codes)
    if plan.export:
        restore(trainer := student(blank, blank.neutral_code().repeat(count, 1)), work)
    else:
        if (work / "checkpoint.pt").exists():
            trainer = student(blank, blank.neutral_code().repeat(count, 1))
        else:
            slim = SlimTrainer(taught.teacher, photos, encoder, settings, device)
            train(slim, work / "slim", progress=progress.part(0.0, _SLIM))
            trainer = student(*cut(slim.net, slim.own_codes().detach(), plan.width, plan.blocks))
        train(trainer, work, lambda: trainer.samples(previews), progress=progress.part(_SLIM, _TRAINED))
    likeness = measure(trainer.net, trainer.codes(), taught.teacher, previews, progress.part(_TRAINED, 1.0))
    progress(1.0, "writing the student")
    save_student(
        path,
        trainer.net,
        trainer.codes(),
        [_entry(style) for style in taught.styles],
        taught.body,
        {
            "title": f"Impasto {plan.name}",
            "licence": taught.licence,
            "quality": {
                "measured": "peak signal-to-noise ratio against the paintings of the bank, in decibels, "
                "means over photos that training did not see",
                "size": _SIDE,
                "photos": len(previews),
                "mean": round(sum(likeness.values()) / len(likeness), 2),
                "styles": {name: round(value, 2) for name, value in likeness.items()},
            },
            "training": {
                "steps": trainer.step,
                "seed": settings.seed,
                "photos": len(photos),
                "method": "Liu et al. 2017 (arXiv 1708.06519), Li et al. 2017 (arXiv 1608.08710), "
                "Hinton et al. 2015 (arXiv 1503.02531)",
                "command": plan.command,
                "history": trainer.history,
            },
        },
    )
    return path


@torch.no_grad()
def measure(
    net: StyleBankNet, codes: Mapping[str, StyleCodes], teacher: Teacher, photos: Tensor, progress: Progress
) -> dict[str, float]:
    """How like its teacher a student paints each style as one usually wants it.

    Args:
        net: the student.
        codes: its codes.
        teacher: who it is to paint like.
        photos: (B, 3, H, W), sRGB in [0, 1].
        progress: told of each style.

    Returns:
        For each style the peak signal-to-noise ratio in decibels, the mean over the photos.
    """
    cpu, found = torch.device("cpu"), {}
    paint, wanted = (FoldedStyleBank(each, cpu, torch.float32).paint for each in (net, teacher.net))
    for name, style in progress.over(list(codes.items()), "measuring the student"):
        code, model = style.at()[None], teacher.codes[name].at()[None]
        errors = [(paint(photo, code) - wanted(photo, model)).square().mean() for photo in photos.cpu().split(1)]
        found[name] = float((-10 * torch.stack(errors).clamp_min(1e-10).log10()).mean())
    return found


class _Taught(NamedTuple):
    """Whom a student learns from, and what it is to be called."""

    teacher: Teacher
    body: str
    styles: list[Style]
    licence: str


def _teacher(plan: StudentPlan, library: Library) -> _Taught:
    bank = next((bank for bank in library.banks() if bank.name == plan.bank), None)
    home = bank and library.body_of(bank.body)
    if home is None:
        raise ModelProblem(f"There is no bank {quoted(plan.bank)} with a network.", "See: impasto styles")
    net = load_body(home.weights)
    smaller = (plan.width, plan.blocks) != (net.width, net.blocks)
    if not (1 <= plan.width <= net.width and 1 <= plan.blocks <= net.blocks and smaller):
        raise BadRequest(
            f"A student of width {plan.width} with {plan.blocks} blocks is not smaller than its teacher.",
            f"That one has width {net.width} and {net.blocks} blocks: choose less with --width and --blocks.",
        )
    # A kept picture is somebody's own, and can be kept for any network anew.
    styles = [style for style in library.styles() if style.bank.body == home.body and not style.bank.is_kept_picture]
    files = {style.bank.weights: load_codes(style.bank.weights) for style in styles}
    codes = {style.name: files[style.bank.weights][style.name] for style in styles}
    return _Taught(Teacher(net, codes), fingerprint(net), styles, str(home.card.get("licence", "")))


def _place(plan: StudentPlan, library: Library, body: str) -> Path:
    """The file of the student; raises BadRequest if that would take the place of something else."""
    path = (plan.output or user_models()) / f"{plan.name}.safetensors"
    taken = {bank.name.lower() for bank in library.banks()} | other_models()
    if student_at(shipped_models() / path.name.lower()):
        taken.discard(path.stem.lower())
    if path.stem.lower() in taken:
        raise BadRequest(
            f"Another model of Impasto has the name {quoted(plan.name)}.", "Give another name with --name."
        )
    there = student_at(path)
    if path.exists() and (there is None or there.teacher != body):
        raise BadRequest(
            f"There is a file {path} already, with something else in it.",
            "Give another name with --name, or move that file away.",
        )
    return path


def _entry(style: Style) -> dict[str, Any]:
    """What the card of a student says of a style."""
    return {
        "name": style.name,
        "title": style.title,
        "artist": style.artist,
        "year": style.year,
        "bank": style.bank.name,
    }
