"""What the commands share that train networks."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import logging
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from impasto.imaging.files import as_text
from impasto_link.devices import DEVICES
from impasto_link.errors import BadRequest, ModelProblem

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from impasto.nets.vgg import VGG19Features
    from impasto.training.common import Schedule, Trainer

Options = TypeVar("Options", bound="Schedule")


#: Options of every training: the name of each, what it is, and words for a person.
_NUMBERS = (
    ("steps", int, "steps of the optimiser"),
    ("batch", int, "pictures per step"),
    ("learning_rate", float, "after the warm-up"),
    ("seed", int, "of the random numbers"),
    ("workers", int, "processes that load pictures"),
)
#: So many files in a row are not named one by one in a card.
_FILES_NAMED = 4


def add_run_arguments(parser: argparse.ArgumentParser, work: Path | None, *numbers: tuple[str, type, str]) -> None:
    """Where to go, on what device, and the numbers of a training.

    Args:
        parser: gets the arguments.
        work: the folder for checkpoints and logs; None if it is named after what is trained.
        numbers: options that this kind of training has besides the usual ones.
    """
    parser.add_argument("--output", type=Path, help="folder for the model (default: the user's model folder)")
    where = f"folder for checkpoints and logs (default: {work or 'runs/NAME'})"
    parser.add_argument("--work", type=Path, default=work, help=where)
    parser.add_argument("--device", default="auto", help=f"{DEVICES} (default: auto)")
    parser.add_argument(
        "--export", action="store_true", help="train no further, write the model of the last checkpoint"
    )
    for name, kind, text in (*_NUMBERS, *numbers):
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=argparse.SUPPRESS, help=text)


def add_training_arguments(parser: argparse.ArgumentParser, work: str, *numbers: tuple[str, type, str]) -> None:
    """Where a network for pictures as styles learns from, and `add_run_arguments`."""
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos, some thousand")
    parser.add_argument("--paintings", type=Path, required=True, help="folder of paintings")
    parser.add_argument("--textures", type=Path, help="folder of textures")
    parser.add_argument(
        "--unseen", nargs="*", default=[], metavar="NAME", help="paintings that are not learned from, to look at"
    )
    parser.add_argument("--vgg", type=Path, help="VGG-19 weights (default: torchvision's, downloaded once)")
    add_run_arguments(parser, Path("runs") / work, ("crop", int, "side of the crops in pixels"), *numbers)


def add_style_training_arguments(parser: argparse.ArgumentParser, work: str) -> None:
    """The same for a training that measures styles beforehand."""
    weights = [(f"{name}_weight", float, f"weight of the {name} loss") for name in ("style", "content")]
    add_training_arguments(parser, work, *weights)
    parser.add_argument("--encoder", type=Path, help="the compact encoder (default: the one that is installed)")
    parser.add_argument("--views", type=int, default=3000, help="views of styles to learn from (default: 3000)")


def training_options(kind: type[Options], options: argparse.Namespace) -> Options:
    """The options of a training, from the arguments that were given."""
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{key: value for key, value in vars(options).items() if key in known})


def command_line() -> str:
    """How this program was called, for a card: files without their folders, and of many in a row only the first."""
    words: list[str] = []
    for is_file, group in itertools.groupby(sys.argv[1:], lambda word: "/" in word):
        names = [Path(word).name if is_file else word for word in group]
        if is_file and len(names) > _FILES_NAMED:
            names = [names[0], f"and {len(names) - 1} more files"]
        words += names
    return as_text(shlex.join(["impasto", *words]))


class Material(NamedTuple):
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


def gather(options: argparse.Namespace) -> Material:
    """Read what the arguments name.

    Raises:
        BadRequest, ModelProblem: something is not there.
    """
    from torchvision.transforms.v2 import functional as TF

    from impasto.compute.accelerator import pick_device
    from impasto.training.photos import find_pictures, is_held_out, readable
    from impasto.training.styles import preview_photos
    from impasto.zoo.vgg import load_vgg19

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pictures = find_pictures(options.photos) if options.photos.is_dir() else []
    photos = [path for path in pictures if not is_held_out(path)]
    every = find_pictures(options.paintings) if options.paintings.is_dir() else []
    paintings = [path for path in every if path.stem not in options.unseen]
    for found, folder in ((photos, options.photos), (paintings, options.paintings)):
        if not found:
            raise BadRequest(f"There are no pictures in {folder}.", "Name another folder.")
    textures = find_pictures(options.textures) if options.textures else []
    try:
        vgg = load_vgg19(options.vgg)
    except (OSError, ValueError) as error:
        raise ModelProblem(f"VGG-19 cannot be loaded: {error}.", "Name a file with --vgg.") from error
    shown = [path for path in every if path.stem in options.unseen] or paintings[:4]
    views = [TF.resize(painting, [400], antialias=True)[None].float() / 255 for _, painting in readable(shown)]
    # The encoder wants multiples of its stride.
    views = [view[..., : view.shape[-2] // 8 * 8, : view.shape[-1] // 8 * 8] for view in views]
    return Material(
        pick_device(options.device),
        vgg,
        photos,
        paintings,
        [path for path in textures if not is_held_out(path)],
        preview_photos(pictures, 5, 192),
        views,
    )


def training_card(trainer: Trainer, material: Material, options: argparse.Namespace, method: str) -> dict[str, Any]:
    """What the card says of a training."""
    return {
        "licence": "Apache-2.0",
        "training": {
            "steps": trainer.step,
            "photos": len(material.photos),
            "paintings": [path.name for path in material.paintings],
            "textures": len(material.textures),
            "vgg": options.vgg.name if options.vgg else "torchvision VGG19_Weights.IMAGENET1K_V1",
            "method": method,
            "command": command_line(),
            "history": trainer.history,
        },
    }
