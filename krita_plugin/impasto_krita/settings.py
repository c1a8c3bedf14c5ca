"""What is set once: kept by Krita among its own settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from impasto_editor import settings as shared
from impasto_krita import host


@dataclass
class Settings(shared.Settings):
    """The settings of the docker.

    Attributes:
        paint_on_click: whether a click on a style paints at once, or only chooses it.
        thumbnail_size: the side of the pictures in the gallery.
        more: whether what is rarely set is to be seen.
    """

    paint_on_click: bool = True
    thumbnail_size: int = 64
    more: bool = False

    def keep(self) -> None:
        """Have Krita keep them."""
        self.save(host.write_setting)


@cache
def settings() -> Settings:
    """The settings of this Krita: the dockers of its windows share them, or each would write over what others saved."""
    return Settings.load(host.read_setting)
