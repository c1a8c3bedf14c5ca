"""Put the plugin into an editor: impasto install krita.

Finds every Krita of yours, copies the plugin and switches it on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from impasto.client import SERVER_COMMAND
from impasto.install import krita
from impasto_link.launch import remember_command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("editor", choices=["krita"], help="which editor")
    parser.add_argument(
        "--zip", type=Path, metavar="FILE", help="instead, write an archive for the editor's own importer of plugins"
    )


def run(options: argparse.Namespace) -> int:
    if options.zip is not None:
        krita.build_zip(options.zip)
        print(f"{options.zip} is ready: in Krita, Tools > Scripts > Import Python Plugin from File.")
        return 0
    # The plugin starts the server when it is needed, and has to know how.
    remember_command(SERVER_COMMAND)
    found = krita.find()
    for one in found:
        krita.install(one)
        print(f"{one.title}: the plugin is in {one.data / 'pykrita'} and switched on.")
    print("Next: start Krita (again, if it is running). The docker Style Transfer is at the right;")
    print("  if it is not, tick it in Settings > Dockers.")
    if any(one.sandboxed for one in found):
        print("A Krita from Flatpak cannot start programs: before you paint, run this in a terminal: impasto serve")
    print("If Krita says nothing of Python plugins in its settings, its Python is missing; on Debian and Ubuntu:")
    print("  sudo apt install python3-pyqt5")
    return 0
