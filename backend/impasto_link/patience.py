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
#: At work a server speaks once a second. After so many seconds of silence it is asked over a new connection.
SILENCE = 15.0
#: A server on another machine that has been silent for so many seconds is gone.
GONE_AFTER = 40.0


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

    def check(self) -> None:
        """Raise ServerEnded if it is known to have ended."""
        if self.is_gone:
            raise ServerEnded("The server ended in the middle of the work; your picture is as it was.")

    def wait(self, silent: float) -> None:
        """Say whether to go on waiting; to be called about once a second.

        Args:
            silent: since when nothing has come from the server, in seconds.

        Raises:
            ServerEnded: it has ended.
            ServerGone: it has been silent for too long, and nobody can see whether it lives.
        """
        if self.server is None:
            if silent > GONE_AFTER:
                raise ServerGone("The server does not answer any more.", "Is it running, and the port open?")
        else:
            self.check()
            words = f"Still waiting for the server, process {self.server.pid} (to end it: impasto stop --force)"
            self._telling.tell(silent, words)
