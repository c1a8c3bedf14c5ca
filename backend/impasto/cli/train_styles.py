"""Train styles: a new bank, or further styles for an existing one.

    impasto train styles night.jpg waves/ --photos ~/photos --name mine

Each file is a style; each folder is one style of all the pictures in it. An interrupted training goes on where it was
when the same command is given again.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
from pathlib import Path

from impasto.cli.training import add_run_arguments, command_line, training_options
from impasto_link.errors import BadRequest, ModelProblem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paintings", nargs="*", type=Path, metavar="PAINTING", help="a picture, or a folder for one style"
    )
    parser.add_argument("--recipe", type=Path, help="a TOML file that names the styles instead")
    parser.add_argument("--paintings-dir", type=Path, help="where the pictures of the recipe lie (default: beside it)")
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos to learn from, some thousand")
    parser.add_argument("--name", required=True, help="name of the bank")
    parser.add_argument("--add-to", metavar="BANK", help="train only new styles for the network of this bank")
    parser.add_argument("--vgg", type=Path, help="VGG-19 weights (default: torchvision's, downloaded once)")
    parser.add_argument("--thumbnail-photo", type=Path, help="what the thumbnails show (default: one of the photos)")
    parser.add_argument(
        "--no-exemplars", action="store_true", help="do not paint the examples of the styles, by which one can refine"
    )
    add_run_arguments(
        parser,
        None,
        ("crop", int, "side of the crops in pixels"),
        ("code_speed", float, "how many times faster the codes of the styles learn"),
        ("content_weight", float, "weight of the content"),
        ("style_weight", float, "multiplies each style's own weight"),
        ("tv_weight", float, "weight of the total variation"),
        ("light_weight", float, "weight of keeping the photo's masses of light and dark"),
        ("spike_weight", float, "weight of the penalty on spikes in the normalised layers"),
    )


def run(options: argparse.Namespace) -> int:

    import torch

    from impasto.compute.accelerator import pick_device
    from impasto.engines.pictures import StylePicture, StyleReader
    from impasto.training.common import restore, show, train
    from impasto.training.exemplars import save_exemplars
    from impasto.training.photos import find_pictures, is_held_out, load_rgb
    from impasto.training.recipe import BankRecipe
    from impasto.training.styles import StyleTrainer, TrainingOptions, preview_photos, save_thumbnails
    from impasto.zoo.bank import load_body, save_bank
    from impasto.zoo.library import Bank, Library, place_for_bank, user_models
    from impasto.zoo.predictor import find_predictor
    from impasto.zoo.vgg import load_vgg19

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if options.recipe:
            recipe = BankRecipe.from_toml(options.recipe, options.paintings_dir or options.recipe.parent)
        else:
            recipe = BankRecipe.from_paintings(options.paintings)
        if not recipe.styles:
            raise ValueError("There is nothing to learn: name paintings, or a recipe with --recipe.")
    except (OSError, ValueError) as error:
        raise BadRequest(str(error)) from error
    pictures = find_pictures(options.photos) if options.photos.is_dir() else []
    photos = [path for path in pictures if not is_held_out(path)]
    if not photos:
        raise BadRequest(f"There are no photos in {options.photos}.", "Name a folder with --photos.")

    def may_replace(bank: Bank) -> bool:
        """Whether no training gets lost: of a style that is not trained here, or of a network that is not."""
        if bank.is_kept_picture:
            return True
        trained = {style.name for style in recipe.styles}
        return trained.issuperset(bank.style_names) and not (bank.has_body and options.add_to)

    # Now, not when hours of training are over.
    path = place_for_bank(options.output or user_models(), options.name, may_replace)

    net = base = None
    library = Library()
    if options.add_to:
        base = next((bank for bank in library.banks() if bank.name == options.add_to), None)
        home = base and library.body_of(base.body)
        if home is None:
            raise ModelProblem(f"There is no bank {options.add_to!r} with a network.", "See: impasto styles")
        net = load_body(home.weights)
    settings = dataclasses.replace(training_options(TrainingOptions, options), codes_only=net is not None)
    try:
        vgg = load_vgg19(options.vgg)
    except (OSError, ValueError) as error:
        raise ModelProblem(f"VGG-19 cannot be loaded: {error}.", "Name a file with --vgg.") from error
    trainer = StyleTrainer(recipe, photos, vgg, settings, pick_device(options.device), net)
    predictor = find_predictor(library.folders, base.body) if base else None
    if predictor:
        # What a network reads off the paintings at a glance is a better beginning than nothing.
        reader = StyleReader(torch.device("cpu"))
        paintings = [StylePicture(load_rgb(style.paintings[0])[None].float() / 255) for style in recipe.styles]
        trainer.begin_with(torch.stack([reader.code(painting, predictor[0]) for painting in paintings]))

    previews = preview_photos(pictures)
    work = options.work or Path("runs") / options.name
    if options.export:
        restore(trainer, work)
    else:
        train(trainer, work, show(trainer, work, lambda: trainer.samples(previews)))
    training = {
        "steps": trainer.step,
        "seed": trainer.history[-1]["seed"],
        "photos": len(photos),
        "vgg": options.vgg.name if options.vgg else "torchvision VGG19_Weights.IMAGENET1K_V1",
        "method": "Johnson et al. 2016 (arXiv 1603.08155) with Dumoulin et al. 2017 (arXiv 1610.07629)",
        "command": command_line(),
        "history": trainer.history,
    }
    save_bank(
        path,
        trainer.net,
        {style.name: code for style, code in zip(recipe.styles, trainer.codes, strict=True)},
        [style.for_card() for style in recipe.styles],
        {"title": recipe.title or options.name, "licence": recipe.licence, "training": training},
        with_body=net is None,
    )
    subject = load_rgb(options.thumbnail_photo)[None].float() / 255 if options.thumbnail_photo else previews[:1]
    save_thumbnails(path, trainer.net, trainer.codes, [style.name for style in recipe.styles], subject)
    if not options.no_exemplars:
        save_exemplars(path, recipe.styles, vgg, trainer.device)
    print(f"Wrote {path}")
    return 0
