"""Editors that come as a snap: they see no plugin and no server, and that has to be said."""

from __future__ import annotations

import shutil
from pathlib import Path

from impasto_link.errors import ImpastoError


def problem(name: str, title: str, flatpak: str, home: Path) -> ImpastoError | None:
    """What a person should know if an editor is there as a snap, with the command that mends it.

    A snap has a home of its own and may not look into hidden folders of the real one, where the runtime file is: the
    plugin could be put where it is seen, and would never find the server.

    Args:
        name: of its program and its snap.
        title: what it is called.
        flatpak: what to install instead, from Flathub.
        home: the home folder of the user.
    """
    if not (home / "snap" / name).is_dir() and not comes_as_snap(name):
        return None
    return ImpastoError(
        f"{title} is there as a snap, which is shut off from the server: Impasto cannot be used in it.",
        f"flatpak install flathub {flatpak}",
    )


def comes_as_snap(program: str) -> bool:
    """Whether the program that is found on the PATH is that of a snap: /snap/bin, or /var/lib/snapd/snap/bin."""
    found = shutil.which(program)
    return found is not None and Path(found).parts[-3:-1] == ("snap", "bin")
