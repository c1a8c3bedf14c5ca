"""How messages get to the server: through pyzmq where it imports, else through our own small ZMTP client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from impasto_link.pixels import Buffer

#: The user name of every client in the PLAIN mechanism; what lets it in is the token, sent as the password.
USERNAME = "impasto"


class Transport(Protocol):
    """A DEALER socket of one client. Not thread-safe; no call but ``receive`` waits for the network.

    ``send`` keeps references to the buffers until they are on their way: do not change them meanwhile.
    """

    def send(self, frames: Sequence[Buffer]) -> None:
        """Queue one message. It goes out in the background (pyzmq) or during later calls (ZMTP client).

        While the server cannot be reached, messages wait for the connection to come back.
        """

    def receive(self, timeout: float | None = 0.0) -> list[memoryview] | None:
        """The next message, or None if none came within ``timeout`` seconds (None: wait for ever).

        Raises:
            Refused: the server turned the token down; trying again is useless.
        """

    def fileno(self) -> int:
        """A descriptor that becomes readable when ``receive`` should be called, for the event loop of an editor.

        It is edge triggered with pyzmq and may change after a reconnect with the ZMTP client: after each wake-up call
        ``receive`` until it returns None and ask for the descriptor again. -1 while there is no connection.
        """

    @property
    def wants_write(self) -> bool:
        """Whether ``receive`` should also be called when the descriptor becomes writable."""

    def close(self) -> None:
        """Close at once; what has not been sent is dropped."""


def open_transport(endpoint: str, token: str, *, prefer: str = "") -> Transport:
    """Open a connection to ``endpoint`` ("tcp://127.0.0.1:5555"), with the token of the server.

    Args:
        endpoint: where the server listens.
        token: the password of the PLAIN mechanism.
        prefer: "pyzmq" or "zmtp" to insist on one; empty for the best that there is.

    Raises:
        ImportError: ``prefer`` is "pyzmq" and it does not import.
    """
    if prefer != "zmtp":
        try:
            from impasto_link.zmq_transport import ZmqTransport

            return ZmqTransport(endpoint, token)
        except ImportError:
            if prefer == "pyzmq":
                raise
    from impasto_link.zmtp import ZmtpTransport

    return ZmtpTransport(endpoint, token)
