"""Where GIMP 3 keeps its plug-ins, and what has to be there."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from impasto.install import snap
from impasto.install.editor import Editor
from impasto.install.payload import Files, copy_in, package_files, plugin_source, take_out, write_zip
from impasto_link.errors import ImpastoError
from impasto_link.state import home_dir

PLUGIN = "impasto_gimp"
#: GIMP takes a plug-in only if the file of this name can be executed.
_MAIN = Path(PLUGIN, f"{PLUGIN}.py")
_VERSION = re.compile(r"3\.\d+")


@dataclass(frozen=True)
class Gimp:
    """A GIMP 3 of the user; each minor version has a folder of its own.

    Attributes:
        title: what it is, for a person.
        folder: the folder of its settings and plug-ins.
        sandboxed: whether it cannot start programs of the machine.
    """

    title: str
    folder: Path
    sandboxed: bool = False

    @property
    def plug_ins(self) -> Path:
        """Where plug-ins are looked for."""
        return self.folder / "plug-ins"

    @property
    def package(self) -> Path:
        """Where our plug-in is, or would be."""
        return self.plug_ins / PLUGIN

    @property
    def has_plugin(self) -> bool:
        """Whether ours is there, however it came."""
        return (self.plug_ins / _MAIN).is_file()


def places(home: Path, environment: Mapping[str, str], platform: str) -> list[tuple[str, Path, bool]]:
    """Folders that hold a folder per version: what uses it, where it is, and whether that is sandboxed."""
    if platform == "win32":
        roaming = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
        return [("GIMP {}", roaming / "GIMP", False)]
    if platform == "darwin":
        return [("GIMP {}", home / "Library" / "Application Support" / "GIMP", False)]
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    flatpak = home / ".var" / "app" / "org.gimp.GIMP" / "config"
    return [("GIMP {}", config / "GIMP", False), ("GIMP {} (Flatpak)", flatpak / "GIMP", True)]


def candidates(home: Path, environment: Mapping[str, str], platform: str) -> list[Gimp]:
    """Every GIMP 3 that was started at least once."""
    found = [
        Gimp(title.format(folder.name), folder, sandboxed)
        for title, place, sandboxed in places(home, environment, platform)
        for folder in sorted(place.glob("3.*"))
        if _VERSION.fullmatch(folder.name) and folder.is_dir()
    ]
    own = environment.get("GIMP3_DIRECTORY")
    if own:
        found.append(Gimp("GIMP 3 (GIMP3_DIRECTORY)", Path(own)))
    return found


def find() -> list[Gimp]:
    """Every GIMP 3 of this user that was started at least once, or is on the PATH, but those that are snaps.

    Raises:
        ImpastoError: there is none.
    """
    home = home_dir()
    found = candidates(home, os.environ, sys.platform)
    title, place, _ = places(home, os.environ, sys.platform)[0]
    for version in _on_path():
        one = Gimp(title.format(version), place / version)
        if one not in found:
            found.append(one)
    if not found:
        if (shut_off := EDITOR.shut_off()) is not None:
            raise shut_off
        looked = " or ".join(str(place / "3.*") for _, place, _ in places(home, os.environ, sys.platform))
        raise ImpastoError(
            f"No GIMP 3 was found; looked for {looked}.",
            "Start GIMP once, then try again. GIMP 2.10 is too old for this filter.",
        )
    return found


def _on_path() -> Iterator[str]:
    for minor in range(0, 9, 2):
        program = f"gimp-3.{minor}"
        if shutil.which(program) and not snap.comes_as_snap(program):
            yield f"3.{minor}"


def plugin_files() -> Files:
    """What goes where in the folder of plug-ins."""
    return package_files(plugin_source("gimp") / PLUGIN, Path(PLUGIN))


def install(gimp: Gimp) -> None:
    """Copy the plug-in."""
    copy_in(plugin_files(), gimp.plug_ins, Path(PLUGIN), main=_MAIN.name)
    (gimp.plug_ins / _MAIN).chmod(0o755)


def uninstall(gimp: Gimp) -> bool:
    """Take out what was installed; returns whether it was there."""
    return take_out(plugin_files(), gimp.plug_ins, Path(PLUGIN), main=_MAIN.name)


def build_zip(target: Path) -> None:
    """An archive to be unpacked in a folder of plug-ins."""
    write_zip(plugin_files(), target, Path(PLUGIN), executable=_MAIN)


def _faults(gimp: Gimp) -> Iterator[tuple[str, str]]:
    main = gimp.plug_ins / _MAIN
    if sys.platform != "win32" and not os.access(main, os.X_OK):
        yield f"{main} cannot be executed, so GIMP does not see it", f"chmod +x '{main}', then start GIMP"


EDITOR = Editor(
    name="gimp",
    title="GIMP",
    flatpak="org.gimp.GIMP",
    none="no GIMP 3 on this machine, or never started",
    archive="unpack it in the folder plug-ins of GIMP's settings.",
    next_steps=("Next: start GIMP (again, if it is running): Filters > Artistic > Style Transfer… and Find Subject….",),
    missing=(
        "If they are not in the menu, GIMP's Python is missing; on Debian and Ubuntu:",
        "  sudo apt install python3-gi gir1.2-gimp-3.0 gir1.2-gtk-3.0",
    ),
    candidates=candidates,
    find=find,
    install=install,
    uninstall=uninstall,
    build_zip=build_zip,
    faults=_faults,
)
