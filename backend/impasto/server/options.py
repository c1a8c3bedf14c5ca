"""How a server is to behave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from impasto_link.endpoint import EXIT_AFTER, UNLOAD_AFTER


@dataclass(frozen=True)
class RemoteAccess:
    """Where to listen for programs on other machines, and the keys, Z85 encoded; see `impasto.server.remote`."""

    hosts: tuple[str, ...]
    port: int
    server_secret: str
    client_public: str


@dataclass(frozen=True)
class BrokerOptions:
    """How the server behaves; all times in seconds, 0 for never."""

    devices: tuple[str, ...] = ("auto",)
    remote: RemoteAccess | None = None
    unload_after: float = UNLOAD_AFTER
    exit_after: float = EXIT_AFTER
    memory: int | None = None
    """How many bytes of the computer's memory each worker may have; what is free if None."""
    shared_memory: bool = True
    """Whether programs on this machine may pass pixels by files in shared memory."""
    runtime_file: Path | None = None
    """Where to say how the server is reached; nowhere if None."""
