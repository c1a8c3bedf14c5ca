"""How long a program waits for the server: all of it is here.

A machine that swaps, or a laptop on its battery, may keep a server from answering for minutes, and nothing is wrong. So
one on this machine is waited for as long as it lives, which its lock shows, and people are told that it is; one that
has ended is given up at once. Only for a server on another machine, which nobody can see from here, time decides.
"""

from __future__ import annotations

import logging

from impasto_link.discovery import ServerInfo, read_server_info
from impasto_link.errors import ServerEnded, ServerGone

log = logging.getLogger(__name__)

#: After this many seconds of waiting a person is told, and again after twice as many, and so on.
TELL_AFTER = 5.0
#: A server on another machine that has been silent for so many seconds is gone. At work it speaks once a second.
SILENCE = 15.0


class Telling:
    """Says that something takes long: seldom, and ever more seldom."""

    def __init__(self) -> None:
        self._next = TELL_AFTER

    def tell(self, waited: float, words: str) -> None:
        """Log a warning, which a terminal shows, if it is time for one.

        Args:
            waited: for how many seconds.
            words: what is waited for.
        """
        if waited < TELL_AFTER:
            self._next = TELL_AFTER
        elif waited >= self._next:
            self._next = 2 * waited
            log.warning("%s, for %.0f s now.", words, waited)


class Patience:
    """With one server.

    Args:
        server: the one on this machine, as `read_server_info` has it; None for one on another machine.
    """

    def __init__(self, server: ServerInfo | None = None) -> None:
        self.server = server
        self._telling = Telling()

    @property
    def is_gone(self) -> bool:
        """Whether a server on this machine has ended."""
        return self.server is not None and read_server_info() != self.server

    def wait(self, silent: float) -> None:
        """Say whether to go on waiting; to be called about once a second.

        Args:
            silent: since when nothing has come from the server, in seconds.

        Raises:
            ServerEnded: it has ended.
            ServerGone: it has been silent for too long, and nobody can see whether it lives.
        """
        if self.server is None:
            if silent > SILENCE:
                raise ServerGone(f"The server has not been heard of for {SILENCE:.0f} seconds.", "Does it still run?")
        elif self.is_gone:
            raise ServerEnded("The server has ended.", "Its log says why: impasto status")
        else:
            words = f"Still waiting for the server, process {self.server.pid} (to end it: impasto stop --force)"
            self._telling.tell(silent, words)
