"""The connection to the server, looked after by whoever calls `tick`: nothing here waits for longer than it is told."""

from __future__ import annotations

import os

from impasto_editor.settings import Settings
from impasto_editor.status import status
from impasto_link.session import Session


class Connection(Session):
    """A session with the server of this user, or with that on another machine whose invitation is set.

    The environment variable ``IMPASTO_SERVER`` comes before the settings.
    """

    def __init__(self, settings: Settings) -> None:
        # Our own transport, even where pyzmq is at hand: there is one process per run, and pyzmq takes as long to
        # import as a small picture takes to be painted.
        super().__init__("zmtp")
        self.invitation = os.environ.get("IMPASTO_SERVER", settings.invitation)
        self.server_arguments = settings.server_arguments

    def tick(self, timeout: float = 0.0) -> None:
        """Take in what has arrived; waits up to ``timeout`` seconds for something.

        Raises:
            ImpastoError: the server is gone or cannot be had; the connection is then ``offline``.
        """
        self.receive(timeout)
        self.look_after()

    @property
    def words(self) -> str:
        """What it is doing, for a person; empty when there is nothing to wait for."""
        found = status(self)
        return found.words if found.waiting else ""
