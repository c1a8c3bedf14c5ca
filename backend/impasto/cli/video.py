"""Paint clips and animated pictures, frame by frame: with their sound, subtitles and time stamps.

A run that was ended, or killed, is gone on with by the same command. Clips need the extra impasto[video].
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from impasto.batch.outputs import Outputs
from impasto.batch.places import LocalPlace
from impasto.batch.plan import Wanted
from impasto.cli import stylize
from impasto.cli.options import add_style_options
from impasto.cli.plans import add_existing_option, say
from impasto.command import SERVER_COMMAND
from impasto.imaging import files
from impasto.imaging.remarks import remarks
from impasto.video import animation
from impasto.video.animation import Animated, is_animation, open_animation
from impasto.video.frames import Clip
from impasto.video.parts import Parts, Writing
from impasto.video.run import Painter, paint_clip
from impasto.video.sheet import contact_sheet
from impasto_link import frames
from impasto_link.client import Call, Client
from impasto_link.errors import BadRequest, ImpastoError
from impasto_link.launch import connect_or_start
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region

_BAR = "{percentage:3.0f}%|{bar}| {n:.0f}/{total} [{elapsed}<{remaining}, {rate_fmt}]{postfix}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="IN", help="a clip, or an animated GIF, WebP, PNG or TIFF")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="a file .mp4, .mov, .mkv or .webm; or .gif, .webp, .png or .tif",
    )
    add_existing_option(parser)
    parser.add_argument(
        "--preview",
        nargs="?",
        type=int,
        const=4,
        metavar="N",
        help="paint only so many frames, spread over the clip, as one picture OUT-preview.png (default: 4)",
    )
    parser.add_argument(
        "--quality",
        type=int,
        default=75,
        metavar="1..100",
        help="of what is written, at the cost of size (default: 75)",
    )
    parser.add_argument(
        "--hdr",
        choices=("screen", "keep"),
        default="screen",
        help="of clips of high dynamic range (PQ, HLG): paint them for ordinary screens, or keep their light "
        "(default: screen)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_style_options(parser)


def run(options: argparse.Namespace) -> int:
    options.layers = False
    wanted = stylize.wanted_of(options)
    for name, value in (("quality", options.quality), ("number of frames of a preview", options.preview)):
        if value is not None and not 1 <= value <= 100:
            raise BadRequest(f"The {name} is {value}, but has to be from 1 to 100.")
    source, target = Path(options.input), Path(options.output)
    with remarks(say):
        clip, writing = _opened(source, target, options.quality, keep_light=options.hdr == "keep")
        sheet = target.with_name(f"{target.stem}-preview.png")
        written = LocalPlace(target if options.preview is None else sheet)
        outputs = Outputs(options.existing, [LocalPlace(source), *wanted.reads])
        if not outputs.missing([written]):
            say(f"{written} is there already and stays as it is.")
        elif options.preview is not None:
            with _bar(options, options.preview) as bar:
                painted = list(_painter(clip, wanted, options, bar).paint(clip.spread(options.preview)))
            outputs.put(written, contact_sheet([one.pixels for one in painted], clip.profile))
        else:
            for note in writing.lost(target.name):
                say(note)
            with Parts(target, clip, writing, wanted.settings, say) as parts:
                _paint(clip, wanted, parts, options)
                parts.put(replace=options.existing == "replace")
    return 0


def _paint(clip: Clip, wanted: Wanted, parts: Parts, options: argparse.Namespace) -> None:
    if parts.count:
        say(f"{parts.count} frames were finished before. Going on from there.")
    with _bar(options, clip.count, parts.count) as bar:
        try:
            paint_clip(clip, _painter(clip, wanted, options, bar), parts)
        except BaseException as error:
            if parts.count:
                error.add_note(f"{parts.count} frames are finished and kept. To go on, give the same command.")
            raise


def _bar(options: argparse.Namespace, total: int | None, there: int = 0) -> tqdm[Any]:
    return tqdm(
        total=total,
        initial=there,
        unit="frame",
        disable=options.quiet or not sys.stderr.isatty(),
        bar_format=_BAR if total else None,
    )


def _painter(clip: Clip, wanted: Wanted, options: argparse.Namespace, bar: tqdm[Any]) -> Painter:
    """What paints, with the mask and the pictures that the person has named, and shows how far it is."""
    assert isinstance(wanted.options, StylizeOptions)
    mask = None
    if wanted.mask is not None:
        mask, resized = files.decode_mask(wanted.mask, str(options.mask), clip.width, clip.height)
        if resized:
            say(f"{options.mask} is not of the size of {clip.path} and was resized to it.")

    def send(client: Client, region: Region, options: StylizeOptions, frame: frames.Frame) -> Call:
        return client.stylize(region, options, mask=mask, pictures=wanted.pictures, frame=frame)

    watcher = _Bar(bar, int(bar.n))
    return Painter(clip, wanted.options, send, lambda: connect_or_start(SERVER_COMMAND), watcher, told=mask is not None)


def _opened(source: Path, target: Path, quality: int, *, keep_light: bool) -> tuple[Clip, Writing]:
    """The clip, and how its painting is written."""
    animated, film = is_animation(source), target.suffix.lower() not in animation.KINDS
    if film or not animated:
        try:
            from impasto.video.reading import open_video
            from impasto.video.writing import KINDS, Film
        except ImportError as error:
            raise ImpastoError(f"Clips need {error.name}.", "pip install 'impasto[video]'") from error
        if film and target.suffix.lower() not in KINDS:
            raise BadRequest(
                f"Clips cannot be saved as {target.suffix!r}.", f"Known are {', '.join((*KINDS, *animation.KINDS))}."
            )
    clip: Clip = open_animation(source) if animated else open_video(source, keep_light=keep_light and film)
    return clip, Film(clip, target.suffix.lower(), quality) if film else Animated(clip, target.suffix.lower(), quality)


class _Bar:
    """Shows how far a run is, on top of what was done before."""

    def __init__(self, bar: tqdm[Any], there: int) -> None:
        self._bar, self._there = bar, there

    def say(self, text: str) -> None:
        """See `impasto.video.run.Watcher`."""
        say(text)

    def at(self, done: float, doing: str) -> None:
        """See `impasto.video.run.Watcher`."""
        self._bar.set_postfix_str(doing, refresh=False)
        self._bar.update(self._there + done - self._bar.n)
