"""Where a server is, and as whom it is spoken to."""

from __future__ import annotations

from urllib.parse import urlsplit

#: The user name of every client in the PLAIN mechanism.
USERNAME = "impasto"
#: After so many seconds without work a server forgets its networks, and after so many without use it ends; 0 for never.
UNLOAD_AFTER, EXIT_AFTER = 600, 3600


def parse_endpoint(endpoint: str) -> tuple[str, int]:
    """Host and port of "tcp://HOST:PORT"; raises ValueError if it is not of this form."""
    parts = urlsplit(endpoint)
    if parts.scheme != "tcp" or not parts.hostname or not parts.port or parts.path:
        raise ValueError(f"{endpoint!r} is not of the form tcp://HOST:PORT.")
    return parts.hostname, parts.port
