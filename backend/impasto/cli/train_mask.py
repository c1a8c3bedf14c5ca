"""Train the network that finds the subject.

    impasto train mask --subjects people/ cats/ --val people-val/ --backgrounds scenes/

A folder of subjects holds pictures NAME.jpg and their masks NAME.png, white where the subject is. An interrupted
training goes on where it was when the same command is given again.
"""

from __future__ import annotations

import argparse
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.cli.training import add_run_arguments, command_line, training_options
from impasto.masking.models import mask_models
from impasto_link.errors import BadRequest, ModelProblem

if TYPE_CHECKING:
    from impasto.nets.unet import SubjectNet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subjects", nargs="+", type=Path, required=True, help="folders of pictures with masks")
    parser.add_argument("--val", nargs="*", type=Path, default=[], help="the same, only to measure on")
    parser.add_argument("--weak", type=Path, help="folder of masks made by a machine, of pictures in --photos")
    parser.add_argument(
        "--weak-model",
        choices=mask_models(),
        help="let this network, ours or one of impasto[rembg], mask the pictures in --photos; where it is unsure, "
        "--weak counts",
    )
    parser.add_argument("--photos", type=Path, help="folder of the pictures of --weak and --weak-model")
    parser.add_argument("--backgrounds", nargs="*", type=Path, default=[], help="photos without subject, or folders")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--encoder", type=Path, help="MobileNetV2 weights (default: torchvision's, downloaded once)")
    begin.add_argument(
        "--start",
        nargs="?",
        const="",
        metavar="FILE",
        help="learn on from this network, without a file from the one that is installed",
    )
    parser.add_argument(
        "--shares",
        nargs="+",
        type=_share,
        default=argparse.SUPPRESS,
        metavar="SET=TIMES",
        help="see pictures whose names begin with SET so many times as often",
    )
    parser.add_argument(
        "--average",
        nargs="+",
        type=Path,
        default=[],
        metavar="WORK",
        help="with --export: write the mean of this network and those of these folders, which began with the same one",
    )
    parser.add_argument("--no-painted", action="store_true", help="learn from photos only, not from paintings of them")
    add_run_arguments(
        parser,
        Path("runs/subject"),
        ("side", int, "side of the views in pixels, a multiple of 32"),
        ("encoder_speed", float, "how many times slower the encoder learns, below 1"),
        ("weak_weight", float, "how much weak masks count"),
        ("variety", float, "how much views differ from the pictures, 0 to 1"),
    )


def _share(text: str) -> tuple[str, float]:
    name, _, times = text.partition("=")
    try:
        factor = float(times)
    except ValueError:
        factor = -1.0
    if not name or not 0 <= factor < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not SET=TIMES, such as cats=2")
    return name, factor


def _begin(options: argparse.Namespace) -> tuple[SubjectNet, dict[str, Any] | None]:
    """The network to begin with, and how it was trained, if it was."""
    from impasto.nets.unet import SubjectNet
    from impasto.zoo.storage import read_card
    from impasto.zoo.subject import load_encoder, load_subject_net, subject_model

    if options.start is not None:
        start = Path(options.start) if options.start else subject_model()
        return load_subject_net(start, to_train=True), read_card(start).get("training", {})
    try:
        return SubjectNet(load_encoder(options.encoder)), None
    except (OSError, ValueError) as error:
        raise ModelProblem(f"MobileNetV2 cannot be loaded: {error}.", "Name a file with --encoder.") from error


def run(options: argparse.Namespace) -> int:
    import torch

    from impasto.compute.accelerator import pick_device
    from impasto.engines.base import Studio
    from impasto.engines.fixed.engine import FixedEngine
    from impasto.engines.pictures import StyleReader
    from impasto.masking.finder import SubjectFinder
    from impasto.training.common import restore, train
    from impasto.training.masks import MaskTrainer, MaskTrainingOptions, evaluate, look_at
    from impasto.training.painted import paint_copies
    from impasto.training.photos import find_pictures
    from impasto.training.subjects import find_subjects
    from impasto.training.weak_masks import mask_photos
    from impasto.zoo.library import Library, user_models
    from impasto.zoo.subject import FILE_NAME, TORCHVISION_ENCODER, save_subject_net

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if (options.weak or options.weak_model) and not options.photos:
        raise BadRequest("The weak masks need their pictures.", "Name their folder with --photos.")
    if options.average and not options.export:
        raise BadRequest("A mean is not trained any further.", "Give --export, too.")
    device = pick_device(options.device)
    held_out = [one for folder in options.val for one in find_subjects(folder)]
    backgrounds = [one for path in options.backgrounds for one in (find_pictures(path) if path.is_dir() else [path])]
    weak = {one.picture: one for one in find_subjects(options.weak, photos=options.photos)} if options.weak else {}
    if options.weak_model:
        empty = {path.resolve() for path in backgrounds}
        photos = [path for path in find_pictures(options.photos) if path.resolve() not in empty]
        # Not kept: it has a memory.
        masked = mask_photos(
            photos,
            options.work / options.weak_model,
            options.weak_model,
            SubjectFinder(device),
        )
        weak |= {one.picture: one for one in masked}
    subjects = [one for folder in options.subjects for one in find_subjects(folder)] + list(weak.values())
    if not subjects:
        raise BadRequest("There are no pictures with masks.", "A folder has to hold NAME.jpg and NAME.png.")
    if "shares" in options:
        options.shares = dict(options.shares)
        unknown = options.shares.keys() - {one.group for one in subjects}
        if unknown:
            raise BadRequest(f"No picture's name begins with {', '.join(sorted(unknown))}.", "See --shares.")
    if not options.no_painted:
        painted = options.work / "painted"
        if not options.export:
            paint_copies(
                [one.picture for one in subjects], painted, FixedEngine(Studio(Library(), device, StyleReader(device)))
            )
        subjects = [one.with_painted(painted) for one in subjects]
    settings = training_options(MaskTrainingOptions, options)
    torch.manual_seed(settings.seed)
    trainer = MaskTrainer(subjects, backgrounds, *_begin(options), settings, device)
    if options.export:
        restore(trainer, options.work)
        for folder in options.average:
            trainer.take_along(folder)
    else:
        train(trainer, options.work, look_at(trainer, options.work, held_out), every_s=180.0)
    net = trainer.result.eval()
    scores = evaluate(net, held_out) if held_out else {}
    encoder = options.encoder.name if options.encoder else TORCHVISION_ENCODER
    card = {
        "title": "Impasto Subject",
        "licence": "Apache-2.0",
        "training": {
            "steps": trainer.step,
            "subjects": sum(not one.weak for one in subjects),
            "weak_subjects": sum(one.weak for one in subjects),
            "weak_masks_by": [str(by) for by in (options.weak and options.weak.name, options.weak_model) if by],
            **({"encoder": encoder} if options.start is None else {}),
            "method": "UNet (arXiv 1505.04597) on MobileNetV2 (arXiv 1801.04381)",
            "command": command_line(),
            "history": trainer.history,
            **({"averaged_with": trainer.taken_along} if trainer.taken_along else {}),
        },
        "quality": {group: {key: round(value, 4) for key, value in found.items()} for group, found in scores.items()},
    }
    path = (options.output or user_models()) / FILE_NAME
    save_subject_net(path, net, card)
    print(f"Wrote {path}")
    for group, found in scores.items():
        print(f"{group:>10}  " + "  ".join(f"{key} {value:.3f}" for key, value in found.items()))
    return 0
