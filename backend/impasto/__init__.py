"""Impasto: paint a layer in the manner of a picture.

import impasto
from PIL import Image

with impasto.connect() as server:
    painted = server.stylize(Image.open("photo.jpg"), style="starry-night")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto_link import __version__
from impasto_link.coats import Coat, StyleChoice
from impasto_link.errors import ImpastoError

if TYPE_CHECKING:
    from impasto.client import Painting, Server, connect

__all__ = ["Coat", "ImpastoError", "Painting", "Server", "StyleChoice", "__version__", "connect"]


def __getattr__(name: str) -> Any:
    # The broker and the command line import this package, too, and have to start in a moment.
    if name in ("Painting", "Server", "connect"):
        from impasto import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
