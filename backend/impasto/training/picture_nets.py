"""Training the networks for pictures as styles: the encoder that looks at them, the predictor, and AdaIN's decoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from impasto.compute.accelerator import pick_device
from impasto.engines.adain.files import FILE_NAME as ADAIN_FILE
from impasto.engines.adain.files import load_decoder, save_decoder
from impasto.nets.encoder import CompactEncoder
from impasto.nets.vgg import VGG19Features
from impasto.progress import Progress, Teller, nobody
from impasto.training.adain import AdaINOptions, AdaINTrainer
from impasto.training.arbitrary import MeasuredStyles, measure_styles
from impasto.training.common import Sheet, Trainer, restore, to_measure, train, vgg_name, vgg_of
from impasto.training.distillation import DistillationOptions, DistillationTrainer
from impasto.training.look_loss import LookSchedule
from impasto.training.photos import find_pictures, is_held_out, readable
from impasto.training.predictor import PredictorOptions, PredictorTrainer
from impasto.training.styles import preview_photos
from impasto.zoo.bank import fingerprint, load_body, load_codes
from impasto.zoo.encoder import FILE_NAME as ENCODER_FILE
from impasto.zoo.encoder import load_compact_encoder, save_encoder
from impasto.zoo.library import Library, find_model, user_models
from impasto.zoo.predictor import find_predictor, load_predictor, save_predictor
from impasto.zoo.storage import read_card
from impasto_link.errors import BadRequest, ModelProblem


@dataclass(frozen=True)
class PicturePlan:
    """What to train from what.

    Attributes:
        photos: the folder of photos, some thousand.
        paintings: the folder of paintings.
        textures: a folder of textures.
        techniques: a folder of pictures that show techniques, such as hatching.
        unseen: names of paintings that are not learned from, to look at.
        vgg: VGG-19's weights; torchvision's if not given, downloaded once.
        encoder: the compact encoder; the one that is installed if not given.
        views: of styles to learn from.
        bank: the bank whose network paints what a predictor says.
        start: the predictor or decoder to learn on from; empty for the one that is installed.
        device: where to compute; see `impasto_link.devices`.
        work: where checkpoints and logs go.
        output: where the network goes; the user's models if not given.
        export: train no further, write the network of the last checkpoint.
        command: how this was asked for, for the card.
    """

    photos: Path
    paintings: Path
    work: Path
    textures: Path | None = None
    techniques: Path | None = None
    unseen: list[str] = field(default_factory=list)
    vgg: Path | None = None
    encoder: Path | None = None
    views: int = 1200
    bank: str = "classic"
    start: str | None = None
    device: str = "auto"
    output: Path | None = None
    export: bool = False
    command: str = ""


#: Which share of the work it is to measure the styles, where that comes first.
_MEASURING = 0.05


def train_encoder(plan: PicturePlan, settings: DistillationOptions, tell: Teller = nobody) -> Path:
    """Distil VGG-19 into the compact encoder; returns its file.

    Args:
        plan: what from what.
        settings: how.
        tell: told of the progress, in training with the losses and samples. What it raises leaves a checkpoint, from
            which the next call goes on; `impasto.progress.Enough` ends the training with what it has learned so far.

    Raises:
        BadRequest, ModelProblem: something to learn from is not there, or the network cannot be written.
    """
    material = _gather(plan)
    sources = [material.photos, material.paintings, material.textures, material.techniques]
    trainer = DistillationTrainer(sources, material.vgg, settings, material.device)
    _run(plan, trainer, Progress(tell))
    card = _card(plan, trainer, material, "distillation (arXiv 1503.02531) of VGG-19 (arXiv 1409.1556)")
    path = _folder(plan) / ENCODER_FILE
    save_encoder(path, trainer.encoder, {"title": "Impasto compact encoder", **card})
    return path


def train_predictor(plan: PicturePlan, settings: PredictorOptions, tell: Teller = nobody) -> Path:
    """Train what gives a picture a code of a bank's network; returns its file. All else is as in `train_encoder`."""
    material = _gather(plan)
    library = Library()
    bank = next((bank for bank in library.banks() if bank.name == plan.bank and bank.has_body), None)
    if bank is None:
        raise ModelProblem(f"There is no bank {plan.bank!r} with a network.", "See: impasto styles")
    body, codes = load_body(bank.weights), [codes.at() for codes in load_codes(bank.weights).values()]
    installed = find_predictor(library.folders, bank.body)
    start = _start(plan, installed.path if installed else None)
    predictor = load_predictor(start) if start else None
    if predictor is not None and len(predictor.code_mean) != body.code_length:
        raise BadRequest(f"{start} is for another kind of network than {plan.bank!r} has.", "Train without --start.")
    encoder, vgg, styles, progress = _measured(plan, material, settings, tell)
    trainer = PredictorTrainer(
        body,
        torch.stack(codes),
        styles,
        material.photos,
        encoder,
        vgg,
        settings,
        material.device,
        predictor,
        _learned(start),
    )
    _run(plan, trainer, progress, lambda: trainer.samples(material.previews, material.unseen))
    card = _card(plan, trainer, material, "Ghiasi et al. 2017 (arXiv 1705.06830) on a finished bank")
    path = _folder(plan) / f"{plan.bank}-predictor.safetensors"
    save_predictor(path, trainer.predictor, fingerprint(body), {"title": "Impasto picture styles", **card})
    return path


def train_adain(plan: PicturePlan, settings: AdaINOptions, tell: Teller = nobody) -> Path:
    """Train AdaIN's decoder; returns its file. All else is as in `train_encoder`."""
    material = _gather(plan)
    start = _start(plan, find_model(ADAIN_FILE))
    decoder = load_decoder(start) if start else None
    encoder, vgg, styles, progress = _measured(plan, material, settings, tell)
    trainer = AdaINTrainer(encoder, styles, material.photos, vgg, settings, material.device, decoder, _learned(start))
    _run(plan, trainer, progress, lambda: trainer.samples(material.previews, material.unseen))
    card = _card(plan, trainer, material, "Huang and Belongie 2017 (arXiv 1703.06868)")
    path = _folder(plan) / ADAIN_FILE
    save_decoder(path, trainer.decoder, {"title": "Impasto AdaIN", **card})
    return path


def _start(plan: PicturePlan, installed: Path | None) -> Path | None:
    """The network to learn on from, if it is to be."""
    if plan.start is None:
        return None
    start = Path(plan.start) if plan.start else installed
    if start is None:
        raise ModelProblem("There is no network to learn on from.", "Name its file, or train without --start.")
    return start


def _learned(start: Path | None) -> dict[str, Any] | None:
    """What the card of a network says of its training so far."""
    return None if start is None else read_card(start).get("training", {})


def _measured(
    plan: PicturePlan, material: _Material, settings: LookSchedule, tell: Teller
) -> tuple[CompactEncoder, VGG19Features, MeasuredStyles, Progress]:
    """Styles to learn from, the networks that looked at them, and the progress of what comes after."""
    encoder = load_compact_encoder(plan.encoder).to(material.device)
    vgg, progress = to_measure(material.vgg, material.device), Progress(tell)
    torch.manual_seed(settings.seed)
    # Paintings count most, but there are few of them.
    sources = [material.paintings, material.paintings, material.techniques, material.textures, material.photos]
    # What is only written needs hardly any.
    views = 8 if plan.export else plan.views
    measuring = progress.part(0.0, _MEASURING)
    styles = measure_styles(sources, views, 256, encoder, vgg, material.device, measuring)
    return encoder, vgg, styles, progress.part(_MEASURING, 1.0)


class _Material(NamedTuple):
    """What there is to learn from."""

    device: torch.device
    vgg: VGG19Features
    photos: list[Path]
    paintings: list[Path]
    textures: list[Path]
    techniques: list[Path]
    previews: Tensor
    """Photos for the samples, (B, 3, H, W)."""
    unseen: list[Tensor]
    """Paintings for the samples, (1, 3, h, w) each."""


def _gather(plan: PicturePlan) -> _Material:
    pictures = find_pictures(plan.photos) if plan.photos.is_dir() else []
    photos = [path for path in pictures if not is_held_out(path)]
    every = find_pictures(plan.paintings) if plan.paintings.is_dir() else []
    paintings = [path for path in every if path.stem not in plan.unseen]
    for found, folder in ((photos, plan.photos), (paintings, plan.paintings)):
        if not found:
            raise BadRequest(f"There are no pictures in {folder}.", "Name another folder.")
    textures, techniques = (find_pictures(folder) if folder else [] for folder in (plan.textures, plan.techniques))
    vgg = vgg_of(plan.vgg)
    shown = [path for path in every if path.stem in plan.unseen] or paintings[:4]
    views = [TF.resize(painting, [400], antialias=True)[None].float() / 255 for _, painting in readable(shown)]
    # The encoder wants multiples of its stride.
    views = [view[..., : view.shape[-2] // 8 * 8, : view.shape[-1] // 8 * 8] for view in views]
    return _Material(
        pick_device(plan.device),
        vgg,
        photos,
        paintings,
        [path for path in textures if not is_held_out(path)],
        techniques,
        preview_photos(pictures, 5, 192),
        views,
    )


def _run(plan: PicturePlan, trainer: Trainer, progress: Progress, sheet: Sheet | None = None) -> None:
    if plan.export:
        restore(trainer, plan.work)
    else:
        train(trainer, plan.work, sheet, progress=progress)


def _folder(plan: PicturePlan) -> Path:
    return plan.output or user_models()


def _card(plan: PicturePlan, trainer: Trainer, material: _Material, method: str) -> dict[str, Any]:
    """What the card says of a training."""
    return {
        "licence": "Apache-2.0",
        "training": {
            "steps": trainer.step,
            "photos": len(material.photos),
            "paintings": [path.name for path in material.paintings],
            "textures": len(material.textures),
            "techniques": [path.name for path in material.techniques],
            "vgg": vgg_name(plan.vgg),
            "method": method,
            "command": plan.command,
            "history": trainer.history,
        },
    }
