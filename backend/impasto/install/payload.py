"""What a plugin consists of, whatever the editor: its own files, what all editors share, and msgpack's pure part."""

from __future__ import annotations

import json
import logging
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath

import msgpack

import impasto_editor
import impasto_link
from impasto_link.errors import ImpastoError
from impasto_link.files import explain

log = logging.getLogger(__name__)

#: In the plugin's package, also in an archive: the list of what belongs to it, so that nothing else is ever taken away.
MANIFEST = "installed.json"

#: Relative path in the editor's folder -> file to copy.
Files = Mapping[Path, Path]


def plugin_source(editor: str) -> Path:
    """The folder of a plugin's sources: in the installed package, or in a checkout.

    Raises:
        ImpastoError: it is in neither.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "_plugins" / editor, package.parents[1] / f"{editor}_plugin"):
        if folder.is_dir():
            return folder
    raise ImpastoError(f"This installation of Impasto has no plugin for {editor}.", "Install Impasto anew.")


def package_files(package: Path, target: Path) -> dict[Path, Path]:
    """The files of a plugin's package and of what it needs in the folder ``vendor``.

    Args:
        package: the folder of the package's sources.
        target: where the package goes, relative to the editor's folder.
    """
    files = {target / name: path for name, path in _walk(package)}
    vendor = target / "vendor"
    for module in (impasto_link, impasto_editor, msgpack):
        folder = Path(str(module.__file__)).parent
        # Compiled parts are made for this Python, not for the editor's.
        files |= {vendor / folder.name / name: path for name, path in _walk(folder) if path.suffix in (".py", ".json")}
    return files


def _walk(folder: Path) -> Iterator[tuple[Path, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.name != MANIFEST:
            yield path.relative_to(folder), path


def copy_in(files: Files, folder: Path, package: Path, main: str = "__init__.py") -> None:
    """Install: what an earlier installation left is taken away first, and a list is written of what is there now.

    Args:
        files: what goes where, relative to ``folder``.
        folder: the editor's folder.
        package: the plugin's package, relative to ``folder``; it holds the list.
        main: the file by which a package without a list is known as ours.

    Raises:
        ImpastoError: there is something that is not ours, the folder cannot be written, or others do not see what is
            written there.
    """
    _check_ours(folder, package, main)
    try:
        # Before anything is taken away.
        _check_seen(folder)
        _check_free(files, folder, package, main)
        take_out(files, folder, package, main)
        for name, source in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        (folder / package / MANIFEST).write_text(_manifest(files), encoding="utf-8")
    except OSError as error:
        raise explain(error, Path(error.filename or folder), "Is it yours?") from error


def _check_free(files: Files, folder: Path, package: Path, main: str) -> None:
    """Raises ImpastoError if a file of the user's would be overwritten: beside the package there may be one."""
    ours = _installed(files, folder, package, main)
    for name, source in files.items():
        target = folder / name
        if name in ours or not os.path.lexists(target):
            continue
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            aside = target.with_name(f"{target.name}.old")
            raise ImpastoError(f"There is {target}, which Impasto did not put there.", f"mv {target} {aside}")


def _check_ours(folder: Path, package: Path, main: str) -> None:
    target = folder / package
    if target.is_symlink():
        raise ImpastoError(f"{target} is a link to another place.", "Take it away, then install again.")
    # Without a list it may still be ours: archives had none once.
    if target.is_dir() and any(target.iterdir()) and not (target / main).is_file():
        raise ImpastoError(f"There are files in {target} that Impasto did not put there.", "Move them away first.")


def _check_seen(folder: Path) -> None:
    """Raises ImpastoError if other programs do not see what this Python writes in a folder; tries it with a file."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f"impasto.{os.getpid()}"
    probe.touch()
    try:
        # Windows redirects each new file by itself, so only a file says where it has landed.
        real = Path(os.path.realpath(probe))
    finally:
        probe.unlink()
    if is_redirected(probe, real):
        raise ImpastoError(
            "This Python comes from the Microsoft Store; other programs do not see the files that it writes.",
            "Install Python from python.org, then Impasto with it.",
        )


def is_redirected(wanted: PurePath, real: PurePath) -> bool:
    """Whether Windows has put a file into the private folder of a package from the Microsoft Store.

    Args:
        wanted: where the file was written to. It may lie in the folder of such a package itself.
        real: where it is.
    """
    return bool(_private_to(real) - _private_to(wanted))


def _private_to(path: PurePath) -> set[str]:
    """The packages in whose private folders, ``Packages/NAME/LocalCache``, a path lies."""
    parts = [part.lower() for part in path.parts]
    triples = zip(parts, parts[1:], parts[2:], strict=False)
    return {name for above, name, below in triples if (above, below) == ("packages", "localcache")}


def _manifest(files: Files) -> str:
    return json.dumps([name.as_posix() for name in files], indent=1)


def take_out(files: Files, folder: Path, package: Path, main: str = "__init__.py") -> bool:
    """Uninstall exactly what the list says; arguments as for `copy_in`. Files that somebody added stay.

    Where there is no list, but the package is known as ours, what would be installed now is taken away.

    Returns:
        Whether there was anything.

    Raises:
        ImpastoError: a file cannot be taken away.
    """
    # A link is the work of a developer, and what it leads to is not in the folder.
    if (folder / package).is_symlink():
        return False
    names = _installed(files, folder, package, main)
    if not names:
        return False
    folders = set()
    for name in [*names, package / MANIFEST]:
        path = folder / name
        # The list is a file that anybody may have changed: it reaches nothing outside.
        if not path.resolve().is_relative_to(folder.resolve()):
            log.warning("%s is not in %s and stays", path, folder)
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ImpastoError(f"{path} cannot be taken away: {error.strerror}.", "Is the folder yours?") from error
        folders |= {parent for parent in path.parents if parent.is_relative_to(folder / package)}
    for one in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        shutil.rmtree(one / "__pycache__", ignore_errors=True)
        if one.is_dir() and not any(one.iterdir()):
            one.rmdir()
    return True


def _installed(files: Files, folder: Path, package: Path, main: str) -> list[Path]:
    """What an earlier installation has put there. Nothing that is not ours, whatever somebody wrote into the list."""
    try:
        listed = json.loads((folder / package / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        listed = None
    names = [Path(name) for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    ours = [name for name in names if name in files or (package in name.parents and ".." not in name.parts)]
    return ours or (list(files) if (folder / package / main).is_file() else [])


def write_zip(
    files: Files,
    target: Path,
    package: Path,
    *,
    inside: Callable[[Path], Path] = lambda name: name,
    executable: Path | None = None,
) -> None:
    """Write an archive of a plugin, with its list, and with entries for folders, which Krita's importer wants.

    Args:
        files: what goes where, relative to the editor's folder.
        target: the archive.
        package: the plugin's package, relative to the editor's folder.
        inside: where in the archive is what goes there in the editor's folder.
        executable: the one of the files that is a program.

    Raises:
        ImpastoError: it cannot be written, or something else has that name.
    """
    _check_archive(target, inside(package / MANIFEST).as_posix())
    contents = {inside(name): path.read_bytes() for name, path in files.items()}
    contents[inside(package / MANIFEST)] = _manifest(files).encode()
    folders = sorted({parent for name in contents for parent in name.parents if parent.name})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for folder in folders:
                archive.writestr(zipfile.ZipInfo(f"{folder.as_posix()}/"), b"")
            for name, content in contents.items():
                entry = zipfile.ZipInfo(name.as_posix())
                entry.create_system = 3  # Unix, or the mode would not count
                entry.external_attr = (0o755 if name == executable else 0o644) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
    except OSError as error:
        raise ImpastoError(f"{target} cannot be written: {error.strerror}.") from error


def _check_archive(target: Path, manifest: str) -> None:
    """Raises ImpastoError if a file is there that is no older archive of the plugin."""
    if not os.path.lexists(target):
        return
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(target) as archive:
        if manifest in archive.namelist():
            return
    raise ImpastoError(
        f"There is {target}, which is no older archive of the plugin.", "Name another file, or take it away."
    )
