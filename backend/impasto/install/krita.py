"""Where Krita keeps its plugins, and what has to be where."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from impasto.install import kritarc
from impasto.install.payload import Files, copy_in, package_files, plugin_source, take_out, write_zip
from impasto_link.errors import ImpastoError

PLUGIN = "impasto_krita"
_PACKAGE = Path("pykrita", PLUGIN)


@dataclass(frozen=True)
class Krita:
    """A Krita of the user.

    Attributes:
        title: what it is, for a person.
        data: the folder of its resources.
        settings: its settings file.
        sandboxed: whether it cannot start programs of the machine.
    """

    title: str
    data: Path
    settings: Path
    sandboxed: bool = False

    @property
    def package(self) -> Path:
        """Where our plugin is, or would be."""
        return self.data / _PACKAGE

    @property
    def has_plugin(self) -> bool:
        """Whether it is there, however it came."""
        return (self.package / "__init__.py").is_file()


def candidates(home: Path, environment: Mapping[str, str], platform: str) -> list[Krita]:
    """All places where a Krita may keep its things; a Krita from an AppImage uses those of a native one."""

    def named(variable: str, standard: Path) -> Path:
        return Path(environment.get(variable) or standard)

    if platform == "win32":
        local = named("LOCALAPPDATA", home / "AppData" / "Local")
        roaming = named("APPDATA", home / "AppData" / "Roaming")
        return [Krita("Krita", roaming / "krita", local / "kritarc")]
    if platform == "darwin":
        library = home / "Library"
        return [Krita("Krita", library / "Application Support" / "Krita", library / "Preferences" / "kritarc")]
    data = named("XDG_DATA_HOME", home / ".local" / "share")
    config = named("XDG_CONFIG_HOME", home / ".config")
    flatpak = home / ".var" / "app" / "org.kde.krita"
    return [
        Krita("Krita (package or AppImage)", data / "krita", config / "kritarc"),
        Krita("Krita (Flatpak)", flatpak / "data" / "krita", flatpak / "config" / "kritarc", sandboxed=True),
    ]


def find() -> list[Krita]:
    """Every Krita of this user that was started at least once, or is on the PATH.

    Raises:
        ImpastoError: there is none.
    """
    known = candidates(Path.home(), os.environ, sys.platform)
    found = [one for one in known if one.data.is_dir() or one.settings.is_file()]
    if known[0] not in found and shutil.which("krita"):
        found.insert(0, known[0])
    # A Flatpak has its folder from the moment it is installed, or at least from its first start.
    found += [one for one in known if one.sandboxed and one not in found and one.data.parents[1].is_dir()]
    if not found:
        places = " or ".join(str(one.data) for one in known)
        raise ImpastoError(
            f"No Krita was found; looked for {places}.",
            "Start Krita once, then try again, or build a zip for Krita's own importer with: "
            "impasto install krita --zip impasto-krita.zip",
        )
    return found


def plugin_files() -> Files:
    """What goes where in the folder of Krita's resources."""
    source = plugin_source("krita")
    return {
        Path("pykrita", f"{PLUGIN}.desktop"): source / f"{PLUGIN}.desktop",
        Path("actions", f"{PLUGIN}.action"): source / f"{PLUGIN}.action",
        **package_files(source / PLUGIN, _PACKAGE),
    }


def install(krita: Krita) -> None:
    """Copy the plugin and switch it on."""
    copy_in(plugin_files(), krita.data, _PACKAGE)
    kritarc.switch(krita.settings, PLUGIN, on=True)


def uninstall(krita: Krita) -> bool:
    """Take out what was installed and switch it off; returns whether it was there."""
    was_there = take_out(plugin_files(), krita.data, _PACKAGE)
    if was_there and krita.settings.is_file():
        kritarc.switch(krita.settings, PLUGIN, on=False)
    return was_there


def build_zip(target: Path) -> None:
    """An archive for Tools > Scripts > Import Python Plugin, which wants entries for folders, too."""
    # The importer looks for the plugin at any depth, and for the actions by their name.
    write_zip(plugin_files(), target, _PACKAGE, inside=lambda name: name.relative_to(name.parts[0]))
