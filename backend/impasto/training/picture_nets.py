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
from impasto.engines.adain.files import save_decoder
from impasto.nets.vgg import VGG19Features
from impasto.progress import Progress, Teller, nobody
from impasto.training.adain import AdaINOptions, AdaINTrainer
from impasto.training.arbitrary import measure_styles
from impasto.training.common import Sheet, Trainer, restore, to_measure, train, vgg_name, vgg_of
from impasto.training.distillation import DistillationOptions, DistillationTrainer
from impasto.training.photos import find_pictures, is_held_out, readable
from impasto.training.predictor import PredictorOptions, PredictorTrainer
from impasto.training.styles import preview_photos
from impasto.zoo.bank import fingerprint, load_body, load_codes
from impasto.zoo.encoder import FILE_NAME as ENCODER_FILE
from impasto.zoo.encoder import load_compact_encoder, save_encoder
from impasto.zoo.library import Library, user_models
from impasto.zoo.predictor import save_predictor
from impasto_link.errors import BadRequest, ModelProblem


@dataclass(frozen=True)
class PicturePlan:
    """What to train from what.

    Attributes:
        photos: the folder of photos, some thousand.
        paintings: the folder of paintings.
        textures: a folder of textures.
        unseen: names of paintings that are not learned from, to look at.
        vgg: VGG-19's weights; torchvision's if not given, downloaded once.
        encoder: the compact encoder; the one that is installed if not given.
        views: of styles to learn from.
        bank: the bank whose network paints what a predictor says.
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
    unseen: list[str] = field(default_factory=list)
    vgg: Path | None = None
    encoder: Path | None = None
    views: int = 3000
    bank: str = "classic"
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
    sources = [material.photos, material.paintings, material.textures]
    trainer = DistillationTrainer(sources, material.vgg, settings, material.device)
    _run(plan, trainer, Progress(tell))
    card = _card(plan, trainer, material, "distillation (arXiv 1503.02531) of VGG-19 (arXiv 1409.1556)")
    path = _folder(plan) / ENCODER_FILE
    save_encoder(path, trainer.encoder, {"title": "Impasto compact encoder", **card})
    return path


def train_predictor(plan: PicturePlan, settings: PredictorOptions, tell: Teller = nobody) -> Path:
    """Train what gives a picture a code of a bank's network; returns its file. All else is as in `train_encoder`."""
    material = _gather(plan)
    bank = next((bank for bank in Library().banks() if bank.name == plan.bank and bank.has_body), None)
    if bank is None:
        raise ModelProblem(f"There is no bank {plan.bank!r} with a network.", "See: impasto styles")
    body, codes = load_body(bank.weights), load_codes(bank.weights)
    encoder = load_compact_encoder(plan.encoder).to(material.device)
    vgg, progress = to_measure(material.vgg, material.device), Progress(tell)
    torch.manual_seed(settings.seed)
    # Paintings count most, but there are few of them.
    sources = [material.paintings, material.paintings, material.textures, material.photos]
    measuring = progress.part(0.0, _MEASURING)
    styles = measure_styles(sources, _views(plan), 256, encoder, vgg, material.device, measuring)
    trainer = PredictorTrainer(
        body, torch.stack(list(codes.values())), styles, material.photos, encoder, vgg, settings, material.device
    )
    _run(plan, trainer, progress.part(_MEASURING, 1.0), lambda: trainer.samples(material.previews, material.unseen))
    card = _card(plan, trainer, material, "Ghiasi et al. 2017 (arXiv 1705.06830) on a finished bank")
    path = _folder(plan) / f"{plan.bank}-predictor.safetensors"
    save_predictor(path, trainer.predictor, fingerprint(body), {"title": "Impasto picture styles", **card})
    return path


def train_adain(plan: PicturePlan, settings: AdaINOptions, tell: Teller = nobody) -> Path:
    """Train AdaIN's decoder; returns its file. All else is as in `train_encoder`."""
    material = _gather(plan)
    encoder = load_compact_encoder(plan.encoder).to(material.device)
    vgg, progress = to_measure(material.vgg, material.device), Progress(tell)
    torch.manual_seed(settings.seed)
    sources = [material.paintings, material.textures, material.photos]
    measuring = progress.part(0.0, _MEASURING)
    styles = measure_styles(sources, _views(plan), 256, encoder, vgg, material.device, measuring)
    trainer = AdaINTrainer(encoder, styles, material.photos, vgg, settings, material.device)
    _run(plan, trainer, progress.part(_MEASURING, 1.0), lambda: trainer.samples(material.previews, material.unseen))
    card = _card(plan, trainer, material, "Huang and Belongie 2017 (arXiv 1703.06868)")
    path = _folder(plan) / ADAIN_FILE
    save_decoder(path, trainer.decoder, {"title": "Impasto AdaIN", **card})
    return path


class _Material(NamedTuple):
    """What there is to learn from."""

    device: torch.device
    vgg: VGG19Features
    photos: list[Path]
    paintings: list[Path]
    textures: list[Path]
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
    textures = find_pictures(plan.textures) if plan.textures else []
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
        preview_photos(pictures, 5, 192),
        views,
    )


def _views(plan: PicturePlan) -> int:
    """How many views of styles are measured: what is only written needs hardly any."""
    return 8 if plan.export else plan.views


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
            "vgg": vgg_name(plan.vgg),
            "method": method,
            "command": plan.command,
            "history": trainer.history,
        },
    }
