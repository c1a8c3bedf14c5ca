"""The memory of the broker: what large messages took is given back to the system."""

from __future__ import annotations

import psutil

from impasto.compute.memory import trim_heap

#: So much more than after the last time has to be there before it is given back again, in bytes.
_WORTHWHILE = 32 << 20


class Memory:
    """Watches how much memory this process has."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._least = self.used

    @property
    def used(self) -> int:
        """How many bytes this process has."""
        return int(self._process.memory_info().rss)

    def give_back(self) -> None:
        """Give back what is not used any more; cheap where nothing is to be had.

        Where small pieces lie among large ones glibc keeps the large ones, too: a gigabyte after a busy hour, of which
        the broker used 60 megabytes.
        """
        if self.used - self._least > _WORTHWHILE:
            trim_heap()
            self._least = self.used
        else:
            self._least = min(self._least, self.used)
