"""Invitations: the file with which a program on another machine reaches a server, and nobody else does."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from impasto_link.endpoint import parse_endpoint
from impasto_link.errors import ServerGone
from impasto_link.files import read_regular, write_private
from impasto_link.sentences import say

log = logging.getLogger(__name__)

#: An invitation is a few hundred letters.
_MAX_SIZE = 1 << 16
#: A CURVE key in Z85 (https://rfc.zeromq.org/spec/32/).
_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


def check_keys(keys: Iterable[str]) -> None:
    """Raises ValueError if one is no CURVE key."""
    if not all(_KEY.fullmatch(key) for key in keys):
        raise ValueError("a key is damaged")


@dataclass(frozen=True)
class Invitation:
    """Where a remote server listens and the CURVE keys of the connection, Z85 encoded.

    CURVE (https://rfc.zeromq.org/spec/26/) encrypts everything and shows each side that the other has the right key.
    """

    endpoint: str
    server_public: str
    client_public: str
    client_secret: str

    def write(self, path: Path) -> None:
        """Write the file, readable for its user only."""
        write_private(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Invitation:
        """Read the file.

        Raises:
            ServerGone: it cannot be read or is no invitation.
        """
        try:
            raw = json.loads(read_regular(path, _MAX_SIZE))
            if not isinstance(raw, dict) or any(not isinstance(raw.get(field.name), str) for field in fields(cls)):
                raise ValueError("something is missing")
            found = cls(**{field.name: raw[field.name] for field in fields(cls)})
            # Somebody may have written another address into it.
            parse_endpoint(found.endpoint)
            check_keys((found.server_public, found.client_public, found.client_secret))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise ServerGone(
                say("{path} is not an invitation to a server: {why}.", path=path, why=why),
                "Copy the file that `impasto serve --remote` wrote.",
            ) from error
        if os.name == "posix" and path.stat().st_mode & 0o077:
            log.warning("Others can read the invitation %s, and use the server with it: chmod 600 it.", path)
        return found
