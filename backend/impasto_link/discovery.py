"""Where the server of this user is, and how it says so: a file that only the user can read."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


def runtime_dir() -> Path:
    """The folder of the runtime file, the lock and the log.

    It is computed from the home folder, not from XDG variables: inside a Flatpak those point elsewhere, and a sandboxed
    editor has to find the same server as everybody else. ``IMPASTO_RUNTIME_DIR`` overrides it.
    """
    override = os.environ.get("IMPASTO_RUNTIME_DIR")
    if override:
        return Path(override)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "impasto"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "impasto"
    return home / ".local" / "state" / "impasto"


def _file(name: str) -> Path:
    # A home folder may be shared by several machines, a server is not.
    return runtime_dir() / f"{platform.node() or 'localhost'}.{name}"


def runtime_file() -> Path:
    """Where the server says how it is reached."""
    return _file("server.json")


def lock_file() -> Path:
    """The lock that makes the server single."""
    return _file("server.lock")


def log_file() -> Path:
    """Where the server logs."""
    return _file("server.log")


@dataclass(frozen=True)
class ServerInfo:
    """What the runtime file says."""

    endpoint: str
    token: str
    pid: int
    version: str
    protocol: int

    def write(self) -> None:
        """Publish; the file is never readable for anybody else, not even for a moment."""
        write_private(runtime_file(), asdict(self))

    @staticmethod
    def remove() -> None:
        """Take the runtime file away."""
        runtime_file().unlink(missing_ok=True)


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON to a file of mode 0600 in a folder of mode 0700, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(partial, path)


def read_server_info() -> ServerInfo | None:
    """What the runtime file says, or None if there is none or the process it names has ended."""
    try:
        raw = json.loads(runtime_file().read_text(encoding="utf-8"))
        info = ServerInfo(**{key: raw[key] for key in ("endpoint", "token", "pid", "version", "protocol")})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    words, numbers = (info.endpoint, info.token, info.version), (info.pid, info.protocol)
    if not (all(type(one) is str for one in words) and all(type(one) is int for one in numbers)):
        return None
    # Numbers below 1 stand for groups of processes, and larger ones the system does not take.
    return info if 0 < info.pid < 1 << 31 and _is_alive(info.pid) else None


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32" or Path("/.flatpak-info").exists():
        # No cheap way to ask (and a sandbox does not see the processes of its host): whoever connects will find out.
        return True
    # A child of ours that was killed is there until it is waited for.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
