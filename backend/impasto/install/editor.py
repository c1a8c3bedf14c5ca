"""What has to be known of an editor so that it is found, gets the plugin and is looked after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from impasto.install import snap
from impasto_link.errors import ImpastoError
from impasto_link.state import home_dir


class Found(Protocol):
    """An editor on this machine; there may be several of a kind."""

    @property
    def title(self) -> str:
        """What it is, for a person."""

    @property
    def sandboxed(self) -> bool:
        """Whether it cannot start programs of the machine."""

    @property
    def package(self) -> Path:
        """The folder of our plugin, or where it would be."""

    @property
    def has_plugin(self) -> bool:
        """Whether it is there, however it came."""


FoundT = TypeVar("FoundT", bound=Found)


@dataclass(frozen=True)
class Editor(Generic[FoundT]):
    """A kind of editor; one module of this package describes each.

    Attributes:
        name: by which it is asked for; also the name of its program and of its snap.
        title: what it is called.
        flatpak: its name at Flathub.
        none: what is said where there is none.
        archive: what to do with the plugin as an archive.
        next_steps: what to do once the plugin is there.
        missing: what to do if the plugin does not show up.
        candidates: those of the user, by home folder, environment and `sys.platform`.
        find: those that get the plugin; raises ImpastoError if there is none.
        install: puts the plugin in.
        uninstall: takes it out; says whether it was there.
        build_zip: writes the archive.
        faults: what keeps an installed plugin from being seen, and how to mend it.
    """

    name: str
    title: str
    flatpak: str
    none: str
    archive: str
    next_steps: Sequence[str]
    missing: Sequence[str]
    candidates: Callable[[Path, Mapping[str, str], str], list[FoundT]]
    find: Callable[[], list[FoundT]]
    install: Callable[[FoundT], None]
    uninstall: Callable[[FoundT], bool]
    build_zip: Callable[[Path], None]
    faults: Callable[[FoundT], Iterator[tuple[str, str]]]

    def shut_off(self) -> ImpastoError | None:
        """What a person should know if it is there as a snap."""
        return snap.problem(self.name, self.title, self.flatpak, home_dir())
