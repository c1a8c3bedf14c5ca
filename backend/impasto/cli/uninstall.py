"""Take the plugin out of an editor again: impasto uninstall krita, impasto uninstall gimp.

Takes away what was installed and nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys

from impasto.install import gimp, krita
from impasto_link.state import home_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("editor", choices=["krita", "gimp"], help="which editor")


def run(options: argparse.Namespace) -> int:
    here = (home_dir(), os.environ, sys.platform)
    if options.editor == "krita":
        taken = [one.title for one in krita.candidates(*here) if krita.uninstall(one)]
    else:
        taken = [one.title for one in gimp.candidates(*here) if gimp.uninstall(one)]
    for title in taken:
        print(f"{title}: the plugin is gone. Your paintings stay as they are.")
    if not taken:
        print(f"The plugin was not installed in any {'Krita' if options.editor == 'krita' else 'GIMP'} of yours.")
    return 0
