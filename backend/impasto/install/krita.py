"""Where Krita keeps its plugins, and what has to be where."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from impasto.install import kritarc, snap
from impasto.install.editor import Editor
from impasto.install.payload import Files, copy_in, package_files, plugin_source, take_out, write_zip
from impasto_link.errors import ImpastoError
from impasto_link.files import explain
from impasto_link.state import home_dir

PLUGIN = "impasto_krita"
_PACKAGE = Path("pykrita", PLUGIN)


@dataclass(frozen=True)
class Krita:
    """A Krita of the user.

    Attributes:
        title: what it is, for a person.
        data: the folder of its resources.
        settings: its settings file.
        standard: where its resources are if the user has not moved them.
        sandboxed: whether it cannot start programs of the machine.
    """

    title: str
    data: Path
    settings: Path
    standard: Path
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

    def one(
        title: str,
        standard: Path,
        settings: Path,
        *,
        sandboxed: bool = False,
        redirected: Mapping[Path, Path] | None = None,
    ) -> Krita:
        moved = Path(kritarc.resource_folder(settings, home))
        for shown, real in (redirected or {}).items():
            if moved.is_relative_to(shown):
                moved = real / moved.relative_to(shown)
                break
        return Krita(title, moved if _can_be_written(moved) else standard, settings, standard, sandboxed)

    if platform == "win32":
        local = named("LOCALAPPDATA", home / "AppData" / "Local")
        roaming = named("APPDATA", home / "AppData" / "Roaming")
        packages = local / "Packages"
        found = [one("Krita", roaming / "krita", local / "kritarc")]
        for own in (package / "LocalCache" for package in sorted(packages.glob("49800Krita*"))):
            # Such a Krita believes that its things are where those of any other are, and writes that in its settings.
            redirected = {packages: packages, roaming: own / "Roaming", local: own / "Local"}
            data, settings = own / "Roaming" / "krita", own / "Local" / "kritarc"
            found.append(one("Krita (Microsoft Store)", data, settings, redirected=redirected))
        return found
    if platform == "darwin":
        library = home / "Library"
        return [one("Krita", library / "Application Support" / "Krita", library / "Preferences" / "kritarc")]
    data = named("XDG_DATA_HOME", home / ".local" / "share")
    config = named("XDG_CONFIG_HOME", home / ".config")
    flatpak = home / ".var" / "app" / "org.kde.krita"
    return [
        one("Krita (package or AppImage)", data / "krita", config / "kritarc"),
        one("Krita (Flatpak)", flatpak / "data" / "krita", flatpak / "config" / "kritarc", sandboxed=True),
    ]


def _can_be_written(moved: Path) -> bool:
    """Whether Krita takes a folder that its settings name: one that it can write, or make. Else it takes the standard.

    What is not absolute here was set on another system, or is not set at all.
    """
    if not moved.is_absolute():
        return False
    there = next((folder for folder in (moved, *moved.parents) if os.path.lexists(folder)), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def find() -> list[Krita]:
    """Every Krita of this user that was started at least once, or is on the PATH, but those that are snaps.

    Raises:
        ImpastoError: there is none.
    """
    home = home_dir()
    known = candidates(home, os.environ, sys.platform)
    found = [one for one in known if one.data.is_dir() or one.settings.is_file()]
    if known[0] not in found and shutil.which("krita") and not snap.comes_as_snap("krita"):
        found.insert(0, known[0])
    # A Flatpak has its folder from the moment it is installed, or at least from its first start.
    found += [one for one in known if one.sandboxed and one not in found and one.standard.parents[1].is_dir()]
    if not found:
        if (shut_off := EDITOR.shut_off()) is not None:
            raise shut_off
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
    _switch(krita, on=True)


def uninstall(krita: Krita) -> bool:
    """Take out what was installed and switch it off; returns whether it was there."""
    # The resources may have been moved since.
    taken = [take_out(plugin_files(), folder, _PACKAGE) for folder in dict.fromkeys((krita.data, krita.standard))]
    if any(taken) and krita.settings.is_file():
        _switch(krita, on=False)
    return any(taken)


def _switch(krita: Krita, *, on: bool) -> None:
    try:
        kritarc.switch(krita.settings, PLUGIN, on=on)
    except OSError as error:
        raise explain(error, krita.settings, "Is it yours?") from error


def build_zip(target: Path) -> None:
    """An archive for Tools > Scripts > Import Python Plugin, which wants entries for folders, too."""
    # The importer looks for the plugin at any depth, and for the actions by their name.
    write_zip(plugin_files(), target, _PACKAGE, inside=lambda name: name.relative_to(name.parts[0]))


def _faults(krita: Krita) -> Iterator[tuple[str, str]]:
    try:
        settings = krita.settings.read_text(encoding="utf-8", errors="replace")
    except OSError:
        settings = ""
    if f"enable_{PLUGIN}=true" not in settings:
        yield (
            "the docker is switched off",
            "Tick Impasto in Settings > Configure Krita > Python Plugin Manager, or: impasto install krita",
        )


EDITOR = Editor(
    name="krita",
    title="Krita",
    flatpak="org.kde.krita",
    none="not on this machine, or never started",
    archive="in Krita, Tools > Scripts > Import Python Plugin from File.",
    next_steps=(
        "Next: start Krita (again, if it is running). The docker Style Transfer is at the right;",
        "  if it is not, tick it in Settings > Dockers.",
    ),
    missing=(
        "If Krita says nothing of Python plugins in its settings, its Python is missing; on Debian and Ubuntu:",
        "  sudo apt install python3-pyqt5",
    ),
    candidates=candidates,
    find=find,
    install=install,
    uninstall=uninstall,
    build_zip=build_zip,
    faults=_faults,
)
