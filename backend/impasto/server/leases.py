"""Who is still there: a client's connection is its lease, and when it breaks its jobs wait for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable

#: A client that was not there for this long has lost its jobs. With the pulse before it: within 3 seconds.
LOST_AFTER = 1.5


class Leases:
    """The clients whose connection is gone, each since when.

    Args:
        reach: sends a client a word; False if it is not there. It calls `seen` or `missed`.
    """

    def __init__(self, reach: Callable[[bytes], bool]) -> None:
        self._reach = reach
        self._missed: dict[bytes, float] = {}

    def seen(self, client: bytes) -> None:
        """It is there."""
        self._missed.pop(client, None)

    def missed(self, client: bytes) -> None:
        """It is not there."""
        self._missed.setdefault(client, time.monotonic())

    def ended(self) -> list[bytes]:
        """Those that are lost now; each is named once."""
        now, lost = time.monotonic(), []
        for client, since in list(self._missed.items()):
            if now - since < LOST_AFTER:
                continue
            # Once more: it may have come back since the last pulse.
            del self._missed[client]
            if not self._reach(client):
                del self._missed[client]
                lost.append(client)
        return lost
