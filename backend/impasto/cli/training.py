"""What the commands share that train networks."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import logging
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from impasto.imaging.files import as_text
from impasto_link.devices import DEVICES

if TYPE_CHECKING:
    from impasto.progress import Teller
    from impasto.training.bank import BankPlan
    from impasto.training.common import Schedule
    from impasto.training.picture_nets import PicturePlan
    from impasto.training.student import StudentPlan
    from impasto.training.subject_net import SubjectPlan

Options = TypeVar("Options", bound="Schedule")
Plan = TypeVar("Plan", "BankPlan", "SubjectPlan", "PicturePlan", "StudentPlan")


#: Options of every training: the name of each, what it is, and words for a person.
_NUMBERS = (
    ("steps", int, "steps of the optimiser"),
    ("batch", int, "pictures per step"),
    ("learning_rate", float, "after the warm-up"),
    ("seed", int, "of the random numbers"),
    ("workers", int, "processes that load pictures"),
)
#: The weights of the loss, with which one trains by the look, likewise.
LOOK_WEIGHTS = (
    ("style_weight", float, "weight of strokes and shapes of the style"),
    ("content_weight", float, "weight of keeping things where they are"),
    ("color_weight", float, "weight of the style's colours"),
    ("light_weight", float, "weight of keeping the photo's masses of light and dark"),
    ("brightness_weight", float, "weight of staying as bright and dark as the photo"),
    ("quiet_weight", float, "weight of staying quiet where the photo is"),
    ("likeness_weight", float, "weight of painting alike what is alike in the photo"),
    ("spike_weight", float, "weight of the penalty on spikes in the normalised layers"),
    ("dot_weight", float, "weight of the penalty on dots"),
    ("checker_weight", float, "weight of the penalty on checkers"),
    ("tv_weight", float, "weight of the penalty on being rougher than the style"),
)
_BAR = "{percentage:5.1f}%|{bar:20}| {elapsed}<{remaining}{postfix}"
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
    parser.add_argument("--techniques", type=Path, help="folder of pictures that show techniques, such as hatching")
    parser.add_argument(
        "--unseen", nargs="*", default=[], metavar="NAME", help="paintings that are not learned from, to look at"
    )
    parser.add_argument("--vgg", type=Path, help="VGG-19 weights (default: torchvision's, downloaded once)")
    add_run_arguments(parser, Path("runs") / work, ("crop", int, "side of the crops in pixels"), *numbers)


def add_style_training_arguments(parser: argparse.ArgumentParser, work: str) -> None:
    """The same for a training that measures styles beforehand."""
    add_training_arguments(parser, work, *LOOK_WEIGHTS)
    parser.add_argument("--encoder", type=Path, help="the compact encoder (default: the one that is installed)")
    parser.add_argument("--views", type=int, default=1200, help="views of styles to learn from (default: 1200)")
    parser.add_argument(
        "--start",
        nargs="?",
        const="",
        metavar="FILE",
        help="learn on from this network, without a file from the one that is installed",
    )


def training_options(kind: type[Options], options: argparse.Namespace) -> Options:
    """The numbers of a training, from the arguments that were given."""
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{key: value for key, value in vars(options).items() if key in known})


def planned(kind: type[Plan], options: argparse.Namespace) -> Plan:
    """The plan of a training, from the arguments, which have its names."""
    known = {field.name for field in dataclasses.fields(kind)}
    given = {key: value for key, value in vars(options).items() if key in known}
    return kind(**{**given, "command": command_line()})


@contextmanager
def shown() -> Iterator[Teller]:
    """Who shows a person how far a training is, and what it has to say, on the terminal."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tqdm(total=100.0, bar_format=_BAR) as bar, logging_redirect_tqdm():

        def tell(fraction: float, doing: str, picture: Callable[[], Any] | None = None, /) -> None:
            bar.set_postfix_str(doing, refresh=False)
            bar.update(100 * fraction - bar.n)

        yield tell


def command_line() -> str:
    """How this program was called, for a card: files without their folders, and of many in a row only the first."""
    words: list[str] = []
    for is_file, group in itertools.groupby(sys.argv[1:], lambda word: "/" in word):
        names = [Path(word).name if is_file else word for word in group]
        if is_file and len(names) > _FILES_NAMED:
            names = [names[0], f"and {len(names) - 1} more files"]
        words += names
    return as_text(shlex.join(["impasto", *words]))
