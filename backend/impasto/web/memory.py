"""How much of the memory all that is under way may take."""

from __future__ import annotations

from impasto.web.problems import Busy


class Memory:
    """Bytes that uploads and the pictures of waiting jobs may take together.

    Attributes:
        used: how many are taken.
    """

    def __init__(self, limit: int) -> None:
        self.used = 0
        self._limit = limit

    def check(self, more: int) -> None:
        """Raise Busy if there is no room for so many bytes more."""
        if self.used + more > self._limit:
            raise Busy(
                "There is no room for more pictures now.", "Wait until some of those that are here have been painted."
            )


class Load:
    """What one job takes of it."""

    def __init__(self, memory: Memory) -> None:
        self._memory, self._nbytes = memory, 0

    def add(self, nbytes: int) -> None:
        """Take so many bytes more; raises Busy if there is no room."""
        self._memory.check(nbytes)
        self._memory.used += nbytes
        self._nbytes += nbytes

    def become(self, nbytes: int) -> None:
        """Take so many bytes instead; raises Busy if there is no room."""
        self.add(nbytes - self._nbytes)

    def drop(self) -> None:
        """Take nothing any more."""
        self._memory.used -= self._nbytes
        self._nbytes = 0
