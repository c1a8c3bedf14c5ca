"""An engine that writes down what it begins, and kills the process that lets it paint a picture of a certain width.

What a driver at fault does, or a picture for which the memory does not suffice. It needs no networks and makes the
negative of a picture, so that what it does takes no time on a busy machine.
"""

from __future__ import annotations

import os
import signal
import time

from impasto.engines.facts import LIBRARY, EngineFacts

#: The file that it writes to, a line for each picture: its width, and the process.
BEGUN = "IMPASTO_TEST_BEGUN"
#: The width of the picture that kills, in pixels.
DEADLY = 77
#: How long a picture takes, in seconds: long enough that others can be killed meanwhile.
TAKES = 0.5

FACTS = EngineFacts("deadly", "Deadly", "Kills who uses it", frozenset({LIBRARY}))


def load() -> type:
    """The engine itself, which needs PyTorch."""
    from torch import Tensor

    from impasto.engines.base import Engine, Wanted
    from impasto.progress import Progress

    class DeadlyEngine(Engine):
        """See `impasto.engines.base.Engine`."""

        facts = FACTS

        def paint(  # type: ignore[override]  # does not follow
            self,
            photo: Tensor,
            wanted: Wanted,
            progress: Progress,
            weights: Tensor | None = None,
            origin: tuple[int, int] = (0, 0),
        ) -> Tensor:
            """See `Engine`."""
            width = photo.shape[-1]
            with open(os.environ[BEGUN], "a") as file:
                file.write(f"{width} {os.getpid()}\n")
            if width == DEADLY:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(TAKES)
            progress(1.0)
            return 1 - photo

    return DeadlyEngine
