"""Registers the docker and the actions of the menu with Krita."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from krita import DockWidgetFactory, DockWidgetFactoryBase, Extension, Krita

from impasto_krita.docker import StyleTransferDocker

NAME = "impasto_krita"

#: The ids of the actions, as in impasto_krita.action, and what they do with the docker of their window.
ACTIONS: dict[str, Callable[[StyleTransferDocker], None]] = {
    "impasto_krita_paint": StyleTransferDocker.paint,
    "impasto_krita_refine": StyleTransferDocker.refine,
    "impasto_krita_keep": StyleTransferDocker.keep,
    "impasto_krita_cancel": StyleTransferDocker.cancel,
    "impasto_krita_again": StyleTransferDocker.paint_again,
    "impasto_krita_subject": StyleTransferDocker.find_subject,
    "impasto_krita_show": StyleTransferDocker.reveal,
}


class Actions(Extension):
    """The entries in Tools > Scripts; shortcuts can be given to them in Krita's settings."""

    def setup(self) -> None:
        """Nothing to be done at the start."""

    def createActions(self, window: Any) -> None:
        """Called for every new window."""
        for name, do in ACTIONS.items():
            action = window.createAction(name, "", "tools/scripts")
            # `checked` comes from the signal; what follows is bound now, not at the click.
            action.triggered.connect(lambda checked=False, do=do: _with_docker(do))


def _with_docker(do: Callable[[StyleTransferDocker], None]) -> None:
    # Asked for now: what `createActions` was given is gone by then.
    for docker in Krita.instance().dockers():
        if docker.objectName() == NAME:
            do(docker)


def register() -> None:
    """Tell Krita of the docker and the actions."""
    krita = Krita.instance()
    krita.addExtension(Actions(krita))
    krita.addDockWidgetFactory(DockWidgetFactory(NAME, DockWidgetFactoryBase.DockRight, StyleTransferDocker))
