"""Put the plugin into an editor: impasto install krita, impasto install gimp.

Finds every Krita, or GIMP 3, of yours and copies the plugin. In Krita it is switched on, too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from impasto.command import SERVER_COMMAND
from impasto.install import EDITORS
from impasto_link.launch import remember_command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("editor", choices=EDITORS, help="which editor")
    parser.add_argument("--zip", type=Path, metavar="FILE", help="instead, write an archive to be unpacked elsewhere")


def run(options: argparse.Namespace) -> int:
    editor = EDITORS[options.editor]
    if options.zip is not None:
        editor.build_zip(options.zip)
        print(f"{options.zip} is ready: {editor.archive}")
        return 0
    # The plugin starts the server when it is needed, and has to know how.
    remember_command(SERVER_COMMAND)
    found = editor.find()
    for one in found:
        editor.install(one)
        print(f"{one.title}: the plugin is in {one.package}.")
    print(*editor.next_steps, sep="\n")
    if any(one.sandboxed for one in found):
        print(
            f"A {editor.title} from Flatpak cannot start programs: before you paint, run in a terminal: impasto serve"
        )
    shut_off = editor.shut_off()
    if shut_off is not None:
        print(f"{shut_off.message}\n  {shut_off.hint}")
    print(*editor.missing, sep="\n")
    return 0
