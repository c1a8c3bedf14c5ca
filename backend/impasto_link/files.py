"""Files of the user, written for nobody else, and in words what keeps them from being written; files of others, read
without waiting.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import stat
from pathlib import Path
from typing import Any, BinaryIO

from impasto_link.errors import ImpastoError
from impasto_link.sentences import say


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON to a file of mode 0600 in a folder of mode 0700, whole or not at all; nothing else stays behind."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def owner_of(path: Path) -> str:
    """Who owns a file, by name if the system knows one; raises OSError if it is not there."""
    return user_name(path.lstat().st_uid)


def user_name(uid: int) -> str:
    """The name of a user, or the number if there is none."""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)


def explain(error: OSError, path: Path, otherwise: str = "", *, whole: Path | None = None) -> ImpastoError:
    """What keeps a file or folder from being used, and the one command that mends it.

    Args:
        error: what the system said.
        path: the file or folder that was wanted; it need not exist.
        otherwise: what to do where no such command is known.
        whole: the folder that is to be given back as a whole, if ``path`` is only one of the files in it.
    """
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return ImpastoError(
            say("{path} cannot be written: the disk is full.", path=path), "Make room on it, then try again."
        )
    if error.errno == errno.EROFS:
        return ImpastoError(say("{path} cannot be written: its disk can only be read.", path=path), otherwise)
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return ImpastoError(
            say("{path} is not a folder, so there can be no {path2}.", path=nearest(path), path2=path), otherwise
        )
    if error.errno in (errno.EACCES, errno.EPERM) and hasattr(os, "geteuid"):
        return _not_allowed(path, otherwise, whole)
    return ImpastoError(
        say("{path} cannot be used: {strerror}.", path=path, strerror=error.strerror or error), otherwise
    )


def nearest(path: Path) -> Path:
    """The path itself, or the nearest above it that is there."""
    return next((one for one in (path, *path.parents) if os.path.lexists(one)), path)


def _not_allowed(path: Path, otherwise: str, whole: Path | None) -> ImpastoError:
    me = user_name(os.geteuid())
    there = nearest(path)
    if owner_of(there) == me:
        return ImpastoError(
            say("{there} is yours, but its rights forbid you to use it.", there=there),
            f"chmod u+rwX {quoted(there)}",
        )
    taken = _taken_from(me, there)
    mend = otherwise if taken is None else f"sudo chown -R {me} {quoted(whole or taken)}"
    there = taken or there
    what = "" if there == path else f"{path} cannot be used: "
    return ImpastoError(
        say(
            "{what}{there} belongs to {there2}, and you are {me}.",
            what=what,
            there=there,
            there2=owner_of(there),
            me=me,
        ),
        mend,
    )


def _taken_from(me: str, path: Path) -> Path | None:
    """What somebody else, root by sudo, has made in a folder of the user's. Outside of those it may be the system's."""
    for one in (path, *path.parents):
        if one != one.parent and owner_of(one.parent) == me and owner_of(one) != me:
            return one
    return None


def quoted(path: Path) -> str:
    """A path as it is written in a command."""
    return shlex.quote(str(path))


def open_regular(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a file that anybody may have made for reading, without ever waiting for whoever did.

    Args:
        path: the file.
        follow: whether it may be a link to one.

    Raises:
        OSError: it cannot be opened, or is a named pipe, a device or a folder.
    """
    flags = os.O_RDONLY | (0 if follow else getattr(os, "O_NOFOLLOW", 0))
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "It is no regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, limit: int, *, follow: bool = True) -> bytes:
    """What a file holds, as `open_regular`; raises OSError also if that is more than ``limit`` bytes."""
    with open_regular(path, follow=follow) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"It has more than {limit} bytes", str(path))
    return content
