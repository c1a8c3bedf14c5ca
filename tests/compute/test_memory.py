"""What memory a worker may take: of the machine, of its container, of its user."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from impasto.cli.serve import memory_size
from impasto.compute import memory
from impasto.compute.memory import free_memory, limit_memory, whole_memory


def group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")


def test_a_container_of_either_kind_counts_with_what_it_can_give_up(tmp_path: Path) -> None:
    lines, root = tmp_path / "cgroup", tmp_path / "fs"
    lines.write_text("0::/app/one\n")
    group(root / "app/one", memory__max="max", memory__current=10, memory__stat="inactive_file 1")
    group(root / "app", memory__max=1000, memory__current=700, memory__stat="anon 5\ninactive_file 30\nactive_file 20")
    assert list(memory._containers(lines, root)) == [(1000, 350)]
    # Inside a container the path can be one that only the host has.
    lines.write_text("0::/docker/1234\n")
    group(root, memory__max=500, memory__current=100, memory__stat="inactive_file 0")
    assert list(memory._containers(lines, root)) == [(500, 400)]
    lines.write_text("4:memory:/there\n1:cpu:/\n")
    group(
        root / "memory/there",
        memory__limit_in_bytes=800,
        memory__usage_in_bytes=100,
        memory__stat="total_inactive_file 5\ntotal_active_file 15",
    )
    group(root / "memory", memory__limit_in_bytes=2**63 - 4096, memory__usage_in_bytes=9, memory__stat="")
    assert list(memory._containers(lines, root)) == [(800, 720)]
    assert list(memory._containers(tmp_path / "none", root)) == []


def test_a_container_has_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert whole_memory() <= psutil.virtual_memory().total
    monkeypatch.setattr(memory, "_containers", lambda: iter([(1 << 30, 1 << 20), (1 << 29, 1 << 25)]))
    assert (whole_memory(), free_memory()) == (1 << 29, 1 << 20)


def test_no_more_is_free_than_the_user_allows() -> None:
    try:
        limit_memory(psutil.Process().memory_info().rss + 2**20)
        assert 0 <= free_memory() <= 2**20
        limit_memory(1)
        assert free_memory() == 0
    finally:
        limit_memory(None)
    assert free_memory() > 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be held to it")
def test_what_is_not_there_is_a_memory_error_and_not_the_end_of_the_machine() -> None:
    take = (
        "from impasto.compute import memory\n"
        "memory.free_memory = lambda: 1 << 28\n"
        "memory.hold_to_what_is_free()\n"
        "bytearray(1 << 26)\n"
        "try: bytearray(1 << 30)\n"
        "except MemoryError: print('held')\n"
    )
    done = subprocess.run([sys.executable, "-c", take], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "held\n"


def test_sizes_are_written_as_people_write_them() -> None:
    assert [memory_size(text) for text in ("8G", "1500m", "2GiB", "2 GB", "1073741824")] == [
        8 << 30,
        1500 << 20,
        2 << 30,
        2 << 30,
        1 << 30,
    ]
    for text in ("", "many", "8X", "10M", "nan", "-8G", "9999999T"):
        with pytest.raises(argparse.ArgumentTypeError):
            memory_size(text)
