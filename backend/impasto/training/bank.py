"""Training a bank of styles, or further styles for the network of one: from paintings to the files of a library."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from impasto.compute.accelerator import pick_device
from impasto.engines.pictures import StylePicture, StyleReader
from impasto.nets.style_bank import StyleBankNet
from impasto.nets.vgg import VGG19Features
from impasto.progress import Progress, Teller, nobody
from impasto.training.arbitrary import measure_styles
from impasto.training.common import Trainer, restore, to_measure, train, vgg_name, vgg_of
from impasto.training.exemplars import save_exemplars
from impasto.training.photos import find_pictures, is_held_out, load_rgb
from impasto.training.predictor import fresh_predictor
from impasto.training.recipe import BankRecipe
from impasto.training.styles import Pictures, StyleTrainer, TrainingOptions, preview_photos, save_thumbnails
from impasto.zoo.bank import StyleCodes, fingerprint, load_body, load_codes, save_bank
from impasto.zoo.library import Bank, Library, place_for_bank, user_models
from impasto.zoo.predictor import find_predictor, load_predictor, save_predictor
from impasto_link.errors import BadRequest, ModelProblem


@dataclass(frozen=True)
class BankPlan:
    """What to train from what.

    Attributes:
        name: of the bank.
        photos: the folder of photos to learn from, some thousand.
        paintings: a picture for each style, or a folder of several.
        recipe: a TOML file that names the styles instead.
        paintings_dir: where the pictures of the recipe lie; beside it if not given.
        add_to: the bank for whose network only styles are trained.
        start: the bank whose network and styles learn on, as another bank.
        pictures: folders of pictures, from each of which as much is learned to paint like any picture, too.
        views: how many views of them are measured for that.
        vgg: VGG-19's weights; torchvision's if not given, downloaded once.
        device: where to compute; see `impasto_link.devices`.
        work: where checkpoints and logs go; ``runs/NAME`` if not given.
        output: where the bank goes; the user's models if not given.
        export: train no further, write the bank of the last checkpoint.
        thumbnail_photo: what the thumbnails show; one of the photos if not given.
        no_exemplars: paint no examples, by which one can refine.
        command: how this was asked for, for the card.
    """

    name: str
    photos: Path
    paintings: list[Path] = field(default_factory=list)
    recipe: Path | None = None
    paintings_dir: Path | None = None
    add_to: str | None = None
    start: str | None = None
    pictures: list[Path] = field(default_factory=list)
    views: int = 1200
    vgg: Path | None = None
    device: str = "auto"
    work: Path | None = None
    output: Path | None = None
    export: bool = False
    thumbnail_photo: Path | None = None
    no_exemplars: bool = False
    command: str = ""


#: Which share of the work the training is; the rest are the examples.
_TRAINING = 0.95
#: Which share it is to measure pictures, which comes first, and the side of what is looked at of them.
_MEASURING, _SIDE = 0.05, 256


def train_bank(plan: BankPlan, settings: TrainingOptions, tell: Teller = nobody) -> Path:
    """Train, and write the bank with its thumbnails and examples. A training that was broken off is gone on with.

    Args:
        plan: what from what.
        settings: how.
        tell: told of the progress, in training with the losses and samples. What it raises leaves a checkpoint, from
            which the next call goes on; `impasto.progress.Enough` ends the training with what it has learned so far.

    Returns:
        The file of the bank.

    Raises:
        BadRequest: there is nothing to learn, or the name is taken.
        ModelProblem: VGG-19 or the bank to add to is not there, or the bank cannot be written.
    """
    recipe = _recipe(plan)
    pictures = find_pictures(plan.photos) if plan.photos.is_dir() else []
    photos = [path for path in pictures if not is_held_out(path)]
    if not photos:
        raise BadRequest(f"There are no photos in {plan.photos}.", "Name a folder with --photos.")
    # Now, not when hours of training are over.
    path = _place(plan, recipe)
    library = Library()
    base, net = _network(plan, library)
    device, vgg, progress = pick_device(plan.device), vgg_of(plan.vgg), Progress(tell)
    settings = replace(settings, codes_only=settings.codes_only or plan.add_to is not None)
    learned_before = _learned(base) if plan.start and base is not None else None
    liked = None
    if plan.pictures:
        vgg = to_measure(vgg, device)
        liked = _pictures(plan, library, base, recipe, photos, vgg, device, progress.part(0.0, _MEASURING))
        progress = progress.part(_MEASURING, 1.0)
    trainer = StyleTrainer(recipe, photos, vgg, settings, device, net, learned_before, liked)
    if base is not None:
        known = load_codes(base.weights) if plan.start else {}
        _begin(trainer, recipe, library, base, known)
    previews = preview_photos(pictures)
    work = plan.work or Path("runs") / plan.name
    if plan.export:
        restore(trainer, work)
    else:
        most = 1.0 if plan.no_exemplars else _TRAINING
        train(trainer, work, lambda: trainer.samples(previews), progress=progress.part(0.0, most))
    told = _told(plan, trainer, len(photos))
    save_bank(
        path,
        trainer.net,
        {style.name: codes for style, codes in zip(recipe.styles, trainer.codes, strict=True)},
        [style.for_card() for style in recipe.styles],
        {"title": recipe.title or plan.name, "licence": recipe.licence, "training": told},
        strokes=recipe.strokes,
        strengths=recipe.strengths,
        with_body=plan.add_to is None,
    )
    if liked is not None:
        save_predictor(
            path.with_name(f"{plan.name}-predictor.safetensors"),
            liked.predictor,
            fingerprint(trainer.net),
            {"title": f"{recipe.title or plan.name}: any picture", "licence": recipe.licence, "training": told},
        )
    subject = load_rgb(plan.thumbnail_photo)[None].float() / 255 if plan.thumbnail_photo else previews[:1]
    save_thumbnails(
        path, trainer.net, trainer.codes[:, trainer.usual, -1], [style.name for style in recipe.styles], subject
    )
    if not plan.no_exemplars:
        save_exemplars(path, recipe.styles, vgg, trainer.device, progress=progress.part(_TRAINING, 1.0))
    return path


def _recipe(plan: BankPlan) -> BankRecipe:
    try:
        if plan.recipe:
            recipe = BankRecipe.from_toml(plan.recipe, plan.paintings_dir or plan.recipe.parent)
        else:
            recipe = BankRecipe.from_paintings(plan.paintings)
        if not recipe.styles:
            raise ValueError("There is nothing to learn: name paintings, or a recipe with --recipe.")
    except (OSError, ValueError) as error:
        raise BadRequest(str(error)) from error
    return recipe


def _place(plan: BankPlan, recipe: BankRecipe) -> Path:
    def may_replace(bank: Bank) -> bool:
        """Whether no training gets lost: of a style that is not trained here, or of a network that is not."""
        if bank.is_kept_picture:
            return True
        trained = {style.name for style in recipe.styles}
        return trained.issuperset(bank.style_names) and not (bank.has_body and plan.add_to)

    return place_for_bank(plan.output or user_models(), plan.name, may_replace)


def _network(plan: BankPlan, library: Library) -> tuple[Bank | None, StyleBankNet | None]:
    """The bank to begin with or to add to, and its network."""
    if plan.add_to and plan.start:
        raise BadRequest("Either styles are added to a bank, or it learns on.", "Give --add-to or --start.")
    name = plan.add_to or plan.start
    if not name:
        return None, None
    base = next((bank for bank in library.banks() if bank.name == name), None)
    home = base and library.body_of(base.body)
    if home is None:
        raise ModelProblem(f"There is no bank {name!r} with a network.", "See: impasto styles")
    return base, load_body(home.weights)


def _begin(
    trainer: StyleTrainer, recipe: BankRecipe, library: Library, base: Bank, known: dict[str, StyleCodes]
) -> None:
    """Begin with the codes that are known, else with what is read off the paintings at a glance."""
    predictor = find_predictor(library.folders, base.body)
    reader = StyleReader(library, torch.device("cpu"))
    codes = trainer.codes.detach().clone()
    for own, style in zip(codes, recipe.styles, strict=True):
        if style.name in known:
            for row, stroke in zip(own, recipe.strokes, strict=True):
                row.copy_(torch.stack([known[style.name].at(stroke, strength) for strength in recipe.strengths]))
        elif predictor is not None:
            painting = StylePicture(load_rgb(style.paintings[0])[None].float() / 255)
            for row, stroke in zip(own, recipe.strokes, strict=True):
                row.copy_(reader.code(painting, predictor.path, stroke))
    trainer.begin_with(codes)


def _pictures(
    plan: BankPlan,
    library: Library,
    base: Bank | None,
    recipe: BankRecipe,
    photos: list[Path],
    vgg: VGG19Features,
    device: torch.device,
    progress: Progress,
) -> Pictures:
    """What is to be learned of pictures, and the predictor to begin with: that of ``base``, if it has one."""
    sources = [[path for path in find_pictures(folder) if not is_held_out(path)] for folder in plan.pictures]
    for folder, found in zip(plan.pictures, sources, strict=True):
        if not found:
            raise BadRequest(f"There are no pictures in {folder}.", "Name another folder with --pictures.")
    encoder = StyleReader(library, device).encoder
    styles = measure_styles([*sources, photos], 8 if plan.export else plan.views, _SIDE, encoder, vgg, device, progress)
    known = None if base is None else find_predictor(library.folders, base.body)
    if known is not None:
        predictor = load_predictor(known.path).with_strengths(recipe.strengths)
    else:
        net = StyleBankNet(recipe.width, recipe.blocks)
        predictor = fresh_predictor(styles.latent.description, net.neutral_code()[None], strengths=recipe.strengths)
    return Pictures(styles, predictor)


def _learned(base: Bank) -> dict[str, Any]:
    """What the card of a bank says of its training so far."""
    return {"bank": base.name, "body": base.body, **base.card.get("training", {})}


def _told(plan: BankPlan, trainer: Trainer, photos: int) -> dict[str, Any]:
    """What the card says of the training."""
    return {
        "steps": trainer.step,
        "seed": trainer.history[-1]["seed"],
        "photos": photos,
        "vgg": vgg_name(plan.vgg),
        "method": "Johnson et al. 2016 (arXiv 1603.08155) with Dumoulin et al. 2017 (arXiv 1610.07629), by the look",
        "command": plan.command,
        "history": trainer.history,
    }
