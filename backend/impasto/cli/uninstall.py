"""Take the plugin out of an editor again: impasto uninstall krita, impasto uninstall gimp.

Takes away what was installed and nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys

from impasto.install import EDITORS
from impasto_link.state import home_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("editor", choices=EDITORS, help="which editor")


def run(options: argparse.Namespace) -> int:
    editor = EDITORS[options.editor]
    candidates = editor.candidates(home_dir(), os.environ, sys.platform)
    taken = [one.title for one in candidates if editor.uninstall(one)]
    for title in taken:
        print(f"{title}: the plugin is gone. Your paintings stay as they are.")
    if not taken:
        print(f"The plugin was not installed in any {editor.title} of yours.")
    return 0
