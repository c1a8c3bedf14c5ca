"""How the web face is to behave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WebOptions:
    """How the web face behaves; the command line's arguments are made from it."""

    host: str = "127.0.0.1"
    """The address at which it listens."""
    port: int = 8321
    """The port; 0 for one that is free."""
    keys: Path | None = None
    """The file of the keys that are let in."""
    proxy: str = ""
    """The header in which a proxy in front says who asks."""
    proxy_addresses: tuple[str, ...] = ("127.0.0.1", "::1")
    """The addresses from which that header is believed."""
    sources: tuple[str, ...] = ()
    """What the addresses of pictures may begin with."""
    inner_hosts: tuple[str, ...] = ()
    """Hosts of inner networks from which pictures may be fetched."""
    most_megabytes: float = 64.0
    """The most of one request."""
    most_megapixels: float = 100.0
    """The most of one picture."""
    upload_seconds: float = 60.0
    """How long a request may take to come."""
    decode_seconds: float = 60.0
    """How long reading or writing the pictures of one job may take."""
    rate: float = 120.0
    """Jobs that a person may begin in a minute."""
    jobs_each: int = 32
    """Jobs of a person that have not ended."""
    jobs: int = 256
    """Jobs of all that have not ended."""
    memory_megabytes: float = 2048.0
    """What all uploads, and the pictures of jobs that have not ended, may take of the memory."""
    keep_megabytes: float = 512.0
    """What all results may take of the memory."""
    keep_minutes: float = 30.0
    """How long results are kept."""
    connections: int = 1000
    """Connections at a time."""
    processes: int = 2
    """Processes that read and write pictures."""

    @property
    def most_bytes(self) -> int:
        """The most of one request, in bytes."""
        return int(self.most_megabytes * 2**20)

    @property
    def most_pixels(self) -> int:
        """The most of one picture, in pixels."""
        return int(self.most_megapixels * 1_000_000)
