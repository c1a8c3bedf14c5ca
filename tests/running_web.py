"""The web face for the tests: in a thread of its own, over real sockets; and pictures as files."""

from __future__ import annotations

import io
import threading
from typing import Any

import httpx
import numpy as np
from PIL import Image

from impasto.web.serving import WebServer, listen
from impasto.web.settings import WebOptions
from support import PATIENCE


class RunningWeb:
    """A web face in a thread of its own.

    Args:
        options: as of `WebOptions`.
    """

    def __init__(self, **options: Any) -> None:
        chosen = WebOptions(**{"port": 0, "processes": 1, **options})
        self._listening = listen(chosen)
        self.port: int = self._listening.getsockname()[1]
        self.server = WebServer(chosen)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._listening]})
        self._thread.start()

    def http(self, **more: Any) -> httpx.Client:
        """A client of it; arguments are those of httpx."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE, trust_env=False, **more)

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(PATIENCE)
        self._listening.close()


def as_file(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """Pixels as the bytes of a file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def as_pixels(data: bytes) -> np.ndarray:
    """The pixels of a file."""
    return np.asarray(Image.open(io.BytesIO(data)))
