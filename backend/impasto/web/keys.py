"""Keys that let people in: a file with a line for each, a name and the hash of the key, which itself is never kept."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from impasto_link.errors import ImpastoError, quoted
from impasto_link.files import explain


class Keys:
    """Those that are let in.

    Args:
        hashes: of the keys, by the names of whose they are.
    """

    def __init__(self, hashes: dict[str, bytes]) -> None:
        self._hashes = hashes

    @classmethod
    def read(cls, path: Path) -> Keys:
        """Read the file.

        Raises:
            ImpastoError: it cannot be read, or others than its owner may change it.
        """
        _check_is_file(path)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            if os.name == "posix" and path.stat().st_mode & 0o022:
                raise ImpastoError(f"{path} can be changed by others, so it is not believed.", f"chmod 600 {path}")
            hashes = {name: bytes.fromhex(digest) for name, digest in map(str.split, filter(None, lines))}
        except OSError as error:
            raise explain(error, path) from error
        except ValueError as error:
            raise ImpastoError(f"{path} is no file of keys.", "impasto web --new-key NAME --keys FILE") from error
        if not hashes:
            raise ImpastoError(f"There is no key in {path}.", "impasto web --new-key NAME --keys FILE")
        return cls(hashes)

    def owner(self, key: str) -> str | None:
        """Whose key it is; takes as long for every key."""
        digest, found = _hash(key), None
        for name, known in self._hashes.items():
            if hmac.compare_digest(digest, known):
                found = name
        return found


def new_key(path: Path, name: str) -> str:
    """Draw a key for somebody and put its hash into the file, which is made if need be.

    Raises:
        ImpastoError: the name has blanks, there is a key of it, or the file cannot be written.
    """
    if not name.isprintable() or not name or " " in name:
        raise ImpastoError(f"{quoted(name)} is no name for a key.", "Use letters and digits.")
    _check_is_file(path)
    key = secrets.token_urlsafe(32)
    try:
        known = path.read_text(encoding="utf-8") if path.exists() else ""
        if any(line.split()[:1] == [name] for line in known.splitlines()):
            raise ImpastoError(f"There is a key of {name} already.", f"To replace it, take its line out of {path}.")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
            # People edit the file, and not every editor ends the last line.
            end = "" if known.endswith("\n") or not known else "\n"
            file.write(f"{end}{name} {_hash(key).hex()}\n")
    except OSError as error:
        raise explain(error, path) from error
    return key


def _check_is_file(path: Path) -> None:
    """See that nothing is waited for: who reads a pipe waits for who writes to it."""
    if path.exists() and not path.is_file():
        raise ImpastoError(f"{path} is no file.", "Name another one with --keys.")


def _hash(key: str) -> bytes:
    # A key is 32 random bytes, so there is nothing to try out, and no need for a slow hash.
    return hashlib.sha256(key.encode()).digest()
