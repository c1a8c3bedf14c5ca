"""Where the server of this user is, and how it says so: a file that only the user can read, and a lock beside it.

The files are named by the host, for a person's eyes, and for homes that several machines share. But the name of a host
changes while programs run (another network, a Mac that meets its double), so nobody is found by it: a server is looked
for in all the files, and is there if it is of this machine and holds its lock.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import ipaddress
import json
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

from impasto_link.endpoint import parse_endpoint
from impasto_link.errors import ImpastoError
from impasto_link.files import explain, quoted, user_name, write_private
from impasto_link.lock import FileLock, is_held
from impasto_link.sentences import say
from impasto_link.state import ready_folder, runtime_dir

_RUNTIME = ".server.json"
#: A runtime file is a few hundred letters.
_MAX_SIZE = 1 << 16
#: So long somebody may hold the lock and not say how it is reached, in seconds.
_CLAIM_LIMIT = 60.0


@functools.cache
def this_machine() -> str:
    """A word for the machine, or container, whose loopback this process sees; it stays as long as that does.

    On Linux it is this start of the kernel and the network of this process. Elsewhere the folder lies on a disk of the
    machine's own, as far as is known.
    """
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{started} {Path('/proc/self/ns/net').readlink()}"
    except OSError:
        return sys.platform


class Place(NamedTuple):
    """Where one server has its files."""

    runtime: Path
    lock: Path
    log: Path

    @classmethod
    def named(cls, host: str) -> Place:
        """That of a server which starts on a machine of this name."""
        return cls(*(runtime_dir() / f"{host}.server.{kind}" for kind in ("json", "lock", "log")))


def place() -> Place:
    """That of the server which runs; of one that would start now if there is none."""
    running = _running()
    return Place.named(_host()) if running is None else running[0]


def runtime_file() -> Path:
    """Where the server says how it is reached."""
    return place().runtime


def lock_file() -> Path:
    """The lock that makes the server single."""
    return place().lock


def log_file() -> Path:
    """Where the server logs."""
    return place().log


@dataclass(frozen=True)
class ServerInfo:
    """What the runtime file says."""

    endpoint: str
    token: str
    pid: int
    version: str
    protocol: int
    machine: str = field(default_factory=this_machine)

    def write(self, path: Path) -> None:
        """Publish; the file is never readable for anybody else, not even for a moment.

        Raises:
            ImpastoError: it cannot be written, or its disk keeps no rights, so that nobody would believe it.
        """
        try:
            write_private(path, asdict(self))
        except OSError as error:
            raise explain(error, path) from error
        self.read(path)

    def is_in(self, path: Path) -> bool:
        """Whether a runtime file says just this, and can be believed."""
        try:
            return self.read(path) == self
        except ImpastoError:
            return False

    @classmethod
    def read(cls, path: Path) -> ServerInfo:
        """What a runtime file says.

        Raises:
            ImpastoError: it is not to be believed: somebody else may have written it, or it makes no sense.
        """
        text = _read_own(path)
        try:
            # Servers of earlier versions do not say their machine.
            raw = {"machine": this_machine(), **json.loads(text)}
            info = cls(**{one.name: raw[one.name] for one in fields(cls)})
            info._check()
        except (ValueError, KeyError, TypeError) as error:
            raise _disbelieved(path, "is damaged, or names a server that is not on this machine") from error
        return info

    def _check(self) -> None:
        words, numbers = (self.endpoint, self.token, self.version, self.machine), (self.pid, self.protocol)
        if not (all(type(one) is str for one in words) and all(type(one) is int for one in numbers)):
            raise TypeError
        # Numbers below 1 stand for groups of processes, and larger ones the system does not take.
        if not (0 < self.pid < 1 << 31 and ipaddress.ip_address(parse_endpoint(self.endpoint)[0]).is_loopback):
            raise ValueError


def read_server_info() -> ServerInfo | None:
    """What the server of this user on this machine says of itself, or None if none runs.

    A file whose lock nobody holds is that of a server which was killed, whoever has its number or its port by now.

    Raises:
        ImpastoError: there is no home folder.
    """
    running = _running()
    return None if running is None else running[1]


def disbelieved() -> Iterator[ImpastoError]:
    """What is wrong with runtime files that cannot be believed, and the command that mends it."""
    for path in _runtime_files():
        try:
            ServerInfo.read(path)
        except ImpastoError as error:
            yield error


@contextlib.contextmanager
def claim() -> Iterator[Place | None]:
    """Be the server of this user on this machine for as long as the block lasts.

    Yields:
        Where it has its files; None if another server runs already.

    Raises:
        ImpastoError: a server cannot work in the folder, or one of another machine has its place there.
    """
    folder = ready_folder()
    own = Place.named(_host())
    lock = FileLock(own.lock)
    deadline = time.monotonic() + _CLAIM_LIMIT
    while (running := read_server_info()) is None and not _acquire(lock):
        # Who has it is about to say how it is reached, or to end.
        if _is_of_another_machine(own.runtime) or time.monotonic() > deadline:
            raise ImpastoError(
                say("{lock} is held by another server, which cannot be reached from here.", lock=own.lock),
                say(
                    "It may run in a container, or on a machine of the same name that uses {folder}, too: "
                    "name another folder in IMPASTO_RUNTIME_DIR.",
                    folder=folder,
                ),
            )
    if running is not None:
        yield None
        return
    try:
        # Of one that was killed; it would be believed from now on.
        own.runtime.unlink(missing_ok=True)
        yield own
    finally:
        lock.release()


def _acquire(lock: FileLock) -> bool:
    try:
        return lock.acquire()
    except OSError as error:
        raise explain(error, lock.path) from error


def _host() -> str:
    # Not platform.node, which remembers the name that it has seen first.
    return socket.gethostname() or "localhost"


def _runtime_files() -> list[Path]:
    return sorted(runtime_dir().glob(f"*{_RUNTIME}"))


def _running() -> tuple[Place, ServerInfo] | None:
    for path in _runtime_files():
        found = Place.named(path.name.removesuffix(_RUNTIME))
        try:
            info = ServerInfo.read(path)
            if info.machine == this_machine() and is_held(found.lock):
                return found, info
        except ImpastoError:
            continue
    return None


def _is_of_another_machine(path: Path) -> bool:
    try:
        return ServerInfo.read(path).machine != this_machine()
    except ImpastoError:
        return False


def _read_own(path: Path) -> str:
    """The text of a file that only this user can have written; raises ImpastoError if that is not so."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode):
                raise _disbelieved(path, "is no ordinary file")
            if hasattr(os, "geteuid") and told.st_uid != os.geteuid():
                raise _disbelieved(path, f"belongs to {user_name(told.st_uid)}, not to you")
            if hasattr(os, "geteuid") and told.st_mode & 0o077:
                raise ImpastoError(
                    say("{path} can be used by others, so it is not believed.", path=path),
                    f"chmod 600 {quoted(path)}",
                )
            return file.read(_MAX_SIZE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _disbelieved(path, "is a link") from error
        raise explain(error, path, whole=path.parent) from error


def _disbelieved(path: Path, why: str) -> ImpastoError:
    return ImpastoError(say("{path} {why}, so it is not believed.", path=path, why=why), f"rm -f {quoted(path)}")
