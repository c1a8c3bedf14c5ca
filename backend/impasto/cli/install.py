"""Put the plugin into an editor: impasto install krita, impasto install gimp.

Finds every Krita, or GIMP 3, of yours and copies the plugin. In Krita it is switched on, too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from impasto.command import SERVER_COMMAND
from impasto.install import gimp, krita, snap
from impasto_link.launch import remember_command
from impasto_link.state import home_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("editor", choices=["krita", "gimp"], help="which editor")
    parser.add_argument("--zip", type=Path, metavar="FILE", help="instead, write an archive to be unpacked elsewhere")


def run(options: argparse.Namespace) -> int:
    # The plugin starts the server when it is needed, and has to know how.
    if options.zip is None:
        remember_command(SERVER_COMMAND)
    return {"krita": _krita, "gimp": _gimp}[options.editor](options.zip)


def _krita(archive: Path | None) -> int:
    if archive is not None:
        krita.build_zip(archive)
        print(f"{archive} is ready: in Krita, Tools > Scripts > Import Python Plugin from File.")
        return 0
    found = krita.find()
    for one in found:
        krita.install(one)
        print(f"{one.title}: the plugin is in {one.data / 'pykrita'} and switched on.")
    print("Next: start Krita (again, if it is running). The docker Style Transfer is at the right;")
    print("  if it is not, tick it in Settings > Dockers.")
    if any(one.sandboxed for one in found):
        _say_sandboxed("Krita")
    _say_snap("krita")
    print("If Krita says nothing of Python plugins in its settings, its Python is missing; on Debian and Ubuntu:")
    print("  sudo apt install python3-pyqt5")
    return 0


def _gimp(archive: Path | None) -> int:
    if archive is not None:
        gimp.build_zip(archive)
        print(f"{archive} is ready: unpack it in the folder plug-ins of GIMP's settings.")
        return 0
    found = gimp.find()
    for one in found:
        gimp.install(one)
        print(f"{one.title}: the plug-in is in {one.plug_ins / gimp.PLUGIN}.")
    print("Next: start GIMP (again, if it is running): Filters > Artistic > Style Transfer… and Find Subject….")
    if any(one.sandboxed for one in found):
        _say_sandboxed("GIMP")
    _say_snap("gimp")
    print("If they are not in the menu, GIMP's Python is missing; on Debian and Ubuntu:")
    print("  sudo apt install python3-gi gir1.2-gimp-3.0 gir1.2-gtk-3.0")
    return 0


def _say_snap(editor: str) -> None:
    shut_off = snap.problem(editor, home_dir())
    if shut_off is not None:
        print(f"{shut_off.message}\n  {shut_off.hint}")


def _say_sandboxed(editor: str) -> None:
    print(f"A {editor} from Flatpak cannot start programs: before you paint, run this in a terminal: impasto serve")
