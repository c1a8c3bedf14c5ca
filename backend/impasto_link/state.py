"""The folder of what the server leaves for programs: how it is reached, its lock, its log. Where it is, and whether a
server could work there.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from impasto_link.errors import ImpastoError
from impasto_link.files import explain, nearest, owner_of
from impasto_link.sentences import say

#: So much is written into the folder to see whether that can be done, in bytes.
_NEEDED = 4096
#: Of what the folder holds, these are files of the server.
_OURS = (".json", ".lock", ".log")


def runtime_dir() -> Path:
    """The folder of the runtime file, the lock and the log.

    It is computed from the home folder, not from XDG variables: inside a Flatpak those point elsewhere, and a sandboxed
    editor has to find the same server as everybody else. ``IMPASTO_RUNTIME_DIR`` overrides it.

    Raises:
        ImpastoError: there is no home folder.
    """
    override = os.environ.get("IMPASTO_RUNTIME_DIR")
    if override:
        return Path(override)
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "impasto"
    home = home_dir()
    if sys.platform == "win32":
        return home / "AppData" / "Local" / "impasto"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "impasto"
    return home / ".local" / "state" / "impasto"


def home_dir() -> Path:
    """The home folder of the user.

    Raises:
        ImpastoError: there is none, as in a container for a user that it does not know.
    """
    try:
        return Path.home()
    except RuntimeError as error:
        raise ImpastoError(
            "There is no home folder: HOME is not set, and this system does not know the user.", _elsewhere()
        ) from error


def ready_folder() -> Path:
    """The folder, after a look at whether a server could work in it; it is made if it is not there.

    Raises:
        ImpastoError: it could not; the hint is what mends it.
    """
    for problem in problems():
        raise problem
    return runtime_dir()


def problems() -> Iterator[ImpastoError]:
    """What keeps a server from working in the folder: each in words, with the command that mends it.

    It is tried, not computed: rights, owners, disks that are full or can only be read all show in the same way.
    """
    try:
        folder = runtime_dir()
        _refuse_as_root(folder)
    except ImpastoError as error:
        yield error
        return
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_NEEDED))
        files = sorted(folder.iterdir())
    except OSError as error:
        yield explain(error, folder, _elsewhere())
        return
    for file in files:
        if file.suffix in _OURS and (problem := _look_at(file)) is not None:
            yield problem
            # The same command mends all of them.
            return


def _look_at(file: Path) -> ImpastoError | None:
    try:
        os.close(os.open(file, os.O_RDWR | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)))
    except OSError as error:
        return explain(error, file, _elsewhere(), whole=file.parent)
    return None


def _refuse_as_root(folder: Path) -> None:
    """Raises ImpastoError where root, by sudo, would leave files in somebody's home: they would lock its user out."""
    if sys.platform == "win32" or os.geteuid() != 0 or os.environ.get("IMPASTO_RUNTIME_DIR"):
        return
    there = nearest(folder)
    if there.lstat().st_uid != 0:
        raise ImpastoError(
            say(
                "You are root, but {there} belongs to {there2}, who could not use what root leaves there.",
                there=there,
                there2=owner_of(there),
            ),
            say("Run it without sudo, or: {elsewhere}", elsewhere=_elsewhere()),
        )


def _elsewhere() -> str:
    """The command that names another folder."""
    if sys.platform == "win32":
        return "Name a folder of yours in the variable IMPASTO_RUNTIME_DIR."
    folder = Path(tempfile.gettempdir(), f"impasto-{os.geteuid()}")
    return f"export IMPASTO_RUNTIME_DIR={shlex.quote(str(folder))}"
