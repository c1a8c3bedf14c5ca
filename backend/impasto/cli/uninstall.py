"""Take the plugin out of an editor again: impasto uninstall krita.

Takes away what was installed and nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from impasto.install import krita


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("editor", choices=["krita"], help="which editor")


def run(options: argparse.Namespace) -> int:
    taken = [one for one in krita.candidates(Path.home(), os.environ, sys.platform) if krita.uninstall(one)]
    for one in taken:
        print(f"{one.title}: the plugin is gone. Your paintings stay as they are.")
    if not taken:
        print("The plugin was not installed in any Krita of yours.")
    return 0
