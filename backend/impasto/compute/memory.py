"""How much memory this process may still have: what the machine has free, its container allows, and its user."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

#: More than this is what cgroups of version 1 say where there is no limit.
_NO_LIMIT = 1 << 60

_limit: int | None = None


def limit_memory(nbytes: int | None) -> None:
    """Let this process have no more than so many bytes in all; None takes the limit away."""
    global _limit
    _limit = nbytes


def free_memory() -> int:
    """Bytes that this process can still have without another one, or itself, being ended for it."""
    room = [int(psutil.virtual_memory().available), *(left for _, left in _containers())]
    if _limit is not None:
        room.append(_limit - int(psutil.Process().memory_info().rss))
    return max(0, min(room))


def whole_memory() -> int:
    """Bytes that this process could have if nobody else had any."""
    return min([int(psutil.virtual_memory().total), *(most for most, _ in _containers())])


def trim_heap() -> None:
    """Have the C library give back what is free in its heap.

    glibc keeps freed memory for later, and in workers it was told to keep everything (`impasto.server.workers`).
    """
    if sys.platform == "linux":
        # musl has no such function.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def hold_to_what_is_free() -> None:
    """From here on, let allocations fail that take more than what is free now, instead of the whole machine.

    On Linux only, and only where the CPU computes: drivers of GPUs take address space by the terabyte, and where they
    cannot have it they end the process. RLIMIT_DATA counts what can be written and is private; RLIMIT_AS would count
    every file that is mapped as well.
    """
    if sys.platform != "linux":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    wanted = int(psutil.Process().memory_info().data) + free_memory()
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _containers(
    cgroups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> Iterator[tuple[int, int]]:
    """Of each control group with a limit that this process is in, how many bytes it may have, and how many are left.

    psutil does not know of them.
    """
    try:
        lines = cgroups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:  # version 2
            yield from _limits(root, path, "memory.max", "memory.current", ("active_file", "inactive_file"))
        elif "memory" in controllers.split(","):
            files = ("total_active_file", "total_inactive_file")
            yield from _limits(root / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes", files)


def _limits(root: Path, path: str, limit: str, usage: str, cache: tuple[str, str]) -> Iterator[tuple[int, int]]:
    # In a container the path may be that of the host, of which only the end is to be seen here.
    own = root / path.strip("/")
    for folder in [own, *own.parents] if own.is_dir() else [root]:
        if folder != root and root not in folder.parents:
            return
        try:
            most, used = int((folder / limit).read_text()), int((folder / usage).read_text())
            counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # no limit here, or it says "max"
            continue
        if most < _NO_LIMIT:
            # What was read from files is given up before anybody is ended, also what was read more than once.
            yield most, most - used + sum(int(counts.get(kind, 0)) for kind in cache)
