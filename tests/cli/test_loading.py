"""Commands load what they need and nothing else, so that they are there at once and a server stays small."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import psutil
import pytest

from impasto.cli import COMMANDS, build_parser
from support import RunningServer

#: Seconds of importing, or tens of megabytes, each.
HEAVY = ("torch", "torchvision", "numpy", "PIL", "pyvips", "safetensors", "matplotlib")


def loaded_by(*command: str) -> list[str]:
    """What of HEAVY a command has loaded at its end."""
    code = f"""
import sys
from impasto.cli import main
try:
    main({list(command)!r})
except SystemExit:
    pass
print("loaded:", *[name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    return done.stdout.rpartition("loaded:")[2].split()


@pytest.mark.parametrize("command", ["--help", "serve --help", "status --help", "stop --help"])
def test_help_is_there_at_once(command: str) -> None:
    assert loaded_by(*command.split()) == []


def test_asking_how_the_server_is_loads_nothing(running_server: RunningServer) -> None:
    assert loaded_by("status") == []


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="nothing tells here what a process has loaded")
def test_the_server_itself_has_neither_torch_nor_numpy(running_server: RunningServer) -> None:
    with running_server.connect() as server:
        broker = psutil.Process(server.status()["pid"])
    maps = {one.path for one in broker.memory_maps()}
    assert any("zmq" in path for path in maps)
    assert [path for path in maps if any(f"/{name}" in path for name in HEAVY)] == []


def test_the_summaries_are_those_of_the_commands() -> None:
    for name, summary in COMMANDS.items():
        assert (import_module(f"impasto.cli.{name}").__doc__ or "").partition("\n")[0] == summary
    assert all(name in build_parser().format_help() for name in COMMANDS)
