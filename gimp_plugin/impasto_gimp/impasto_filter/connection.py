"""The connection to the server, looked after by whoever calls `tick`: nothing here waits for longer than it is told."""

from __future__ import annotations

import os

from impasto_filter.texts import tr
from impasto_link.session import Session


class Connection(Session):
    """A session with the server of this user, or with that on another machine that ``IMPASTO_SERVER`` names."""

    def __init__(self) -> None:
        # Our own transport, even where pyzmq is at hand: there is one process per run, and pyzmq takes as long to
        # import as a small picture takes to be painted.
        super().__init__("zmtp")
        self.invitation = os.environ.get("IMPASTO_SERVER", "")

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
        if self.state == "starting":
            return tr("The server is starting, {seconds} s …", seconds=int(self.waited))
        if self.late and self.process:
            return tr(
                "The server, process {process}, has not answered for {seconds} s; still waiting. "
                "To end it, in a terminal: impasto stop --force",
                process=self.process,
                seconds=int(self.late),
            )
        if self.state != "ready":
            return tr("Connecting to the server …")
        if all(one.get("state") == "starting" for one in self.hello.get("workers", ())):
            return tr("The server is loading PyTorch …")
        return ""
