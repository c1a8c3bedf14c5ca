"""Paint a camera, a file or the screen in a window, live, with style, mixture and strength at hand.

Needs the extra live: pip install "impasto[live]".
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from impasto.cli.options import add_parameters, style_of_the_library
from impasto.live.sources import Camera, Clip, Newest, Screen, Source, missing
from impasto_link.errors import BadRequest, ImpastoError
from impasto_link.options import STYLIZE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--camera", type=int, default=0, metavar="N", help="which camera (default: 0, the first)")
    source.add_argument("--file", type=Path, metavar="CLIP", help="a video file in place of a camera, over and over")
    source.add_argument(
        "--screen", nargs="?", const="", metavar="X,Y,W,H", help="what is on the screen, or a box of it, in pixels"
    )
    parser.add_argument(
        "--style",
        action="append",
        default=[],
        metavar="STYLE[:WEIGHT]",
        help="a style of the library to begin with, or two to mix (default: the first)",
    )
    parser.add_argument(
        "--size", type=int, default=320, metavar="PX", help="longest side that is painted (default: 320)"
    )
    parser.add_argument("--engine", choices=("small", "fixed"), default="small", help="what paints (default: small)")
    add_parameters(parser, [STYLIZE[name] for name in ("strength", "brush", "keep_colors")])
    parser.add_argument("--mirror", action="store_true", help="left is right, as one expects of oneself")


def run(options: argparse.Namespace) -> int:
    import impasto

    if not 16 <= options.size <= 8192:
        raise BadRequest("The size has to be between 16 and 8192 pixels.")
    box = _box(options.screen or "")
    with impasto.connect() as server:
        styles = server.styles(thumbnails=True)
    if not styles:
        raise ImpastoError("There are no styles in the library.", "impasto doctor says why.")
    (first, one), *more = _mixed(options.style, [str(style["name"]) for style in styles])
    second, other = more[0] if more else ("", one)
    _check_display()
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from impasto.live.painter import Look
    from impasto.live.window import LiveWindow

    look = Look(
        first,
        second,
        mix=other / (one + other),
        strength=options.strength,
        brush=options.brush,
        engine=options.engine,
        keep_colors=options.keep_colors,
        side=options.size,
        mirrored=options.mirror,
    )
    look.options()
    source: Source
    if options.file is not None:
        source, title = Clip(options.file), options.file.name
    elif options.screen is not None:
        source, title = Screen(box), "Screen"
    else:
        source, title = Camera(options.camera), f"Camera {options.camera}"
    application = QApplication(sys.argv[:1])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: application.quit())
    # Python looks for signals only when it has something to do.
    beat = QTimer()
    beat.timeout.connect(lambda: None)
    beat.start(200)
    with Newest(source) as pictures:
        window = LiveWindow(pictures, look, styles, title)
        window.show()
        status = int(application.exec())
        window.close()
        return status


def _mixed(words: list[str], known: list[str]) -> list[tuple[str, float]]:
    if len(words) > 2:
        raise BadRequest("Live pictures take two styles at most.")
    choices = [style_of_the_library(word) for word in words or known[:1]]
    for choice in choices:
        if choice.name not in known:
            raise BadRequest(
                f"There is no style {choice.name} in the library.",
                "impasto styles lists them; a picture becomes one by: impasto keep",
            )
    if sum(choice.weight for choice in choices) <= 0:
        raise BadRequest("All styles have the weight 0.", "Give at least one of them a weight above 0.")
    return [(choice.name, choice.weight) for choice in choices]


def _box(text: str) -> tuple[int, int, int, int] | None:
    if not text:
        return None
    try:
        left, top, width, height = map(int, text.split(","))
    except ValueError:
        raise BadRequest(f"{text!r} is no box of the screen.", "Write X,Y,W,H, such as 0,0,640,480.") from None
    return left, top, width, height


def _check_display() -> None:
    """Find out in a process of its own whether there can be a window: where there cannot, Qt ends the process."""
    try:
        import PySide6  # noqa: F401
    except ImportError as error:
        raise missing() from error
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        raise ImpastoError("There is no display.", "Run it in a terminal on the desktop.")
    probe = "from PySide6.QtWidgets import QApplication; QApplication([])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, errors="replace")
    if found.returncode:
        said = next((line for line in found.stderr.splitlines() if line.strip()), "")
        raise ImpastoError(f"Qt cannot open a window: {said or 'it does not say why'}")
