"""The runtime file and the lock beside it, whatever is in them and whoever holds it."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from impasto_link.discovery import Place, ServerInfo, claim, disbelieved, log_file, read_server_info, runtime_file
from impasto_link.errors import ImpastoError
from impasto_link.lock import FileLock, is_held

INFO = ServerInfo("tcp://127.0.0.1:5555", "a token", os.getpid(), "1.0", 1)
posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and rights")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def place() -> Iterator[Place]:
    """That of this process, which is the server."""
    with claim() as own:
        assert own is not None
        yield own


def test_what_is_written_is_read(place: Place) -> None:
    assert read_server_info() is None
    INFO.write(place.runtime)
    assert read_server_info() == INFO
    place.runtime.unlink()
    assert read_server_info() is None


def test_a_file_whose_lock_nobody_holds_names_no_server(folder: Path) -> None:
    """Its server was killed; by now another process may have its number, and anybody its port."""
    with claim() as own:
        assert own is not None
        INFO.write(own.runtime)
    assert own.runtime.exists()
    assert read_server_info() is None
    with claim() as own:
        # The lock is held again, and the new server has not yet said how it is reached.
        assert read_server_info() is None


def test_there_is_one_server_however_this_machine_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "home.local")
    with claim() as own:
        assert own is not None
        INFO.write(own.runtime)
        monkeypatch.setattr(socket, "gethostname", lambda: "office.corp.lan")
        assert read_server_info() == INFO
        assert runtime_file() == own.runtime
        assert log_file() == own.log, "and its log is named"
        with claim() as second:
            assert second is None
    assert "office" in log_file().name


@pytest.mark.skipif(sys.platform != "linux", reason="unshare is of Linux")
def test_the_server_is_found_after_the_host_was_renamed(place: Place) -> None:
    INFO.write(place.runtime)
    look = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2] / "backend")!r})
from impasto_link.discovery import claim, read_server_info
with claim() as second:
    print(second, read_server_info().pid)
"""
    words = shlex.join([sys.executable, "-c", look])
    command = ["unshare", "-u", "sh", "-c", f"hostname office.corp.lan || exit 77; {words}"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 77 or "unshare" in run.stderr:
        pytest.skip("the host may not be renamed here")
    assert run.stdout.split() == ["None", str(os.getpid())], run.stderr


def test_machines_that_share_a_home_have_a_server_each(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    INFO.write(place.runtime)
    monkeypatch.setattr("impasto_link.discovery.this_machine", lambda: "another")
    assert read_server_info() is None, "nobody here can reach its loopback"
    with pytest.raises(ImpastoError, match="of the same name") as raised, claim():
        pass
    assert "IMPASTO_RUNTIME_DIR" in raised.value.hint
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    with claim() as second:
        assert second is not None
        theirs = ServerInfo("tcp://127.0.0.1:6666", "a token", 7, "1.0", 1, "another")
        theirs.write(second.runtime)
        assert read_server_info() == theirs


def test_a_lock_is_seen_by_others_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    hold = f"""
import pathlib, sys
sys.path.insert(0, {str(Path(__file__).parents[2] / "backend")!r})
from impasto_link.lock import FileLock
lock = FileLock(pathlib.Path({str(path)!r}))
print(lock.acquire(), flush=True)
input()
"""
    holder = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    assert is_held(path)
    assert not FileLock(path).acquire()
    holder.kill()
    holder.communicate()
    assert not is_held(path)
    lock = FileLock(path)
    assert lock.acquire()
    lock.release()
    assert not is_held(path)


def test_of_many_that_start_at_once_one_is_the_server(folder: Path) -> None:
    start = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parents[2] / "backend")!r})
from impasto_link.discovery import ServerInfo, claim
with claim() as place:
    if place is not None:
        ServerInfo("tcp://127.0.0.1:5555", "a token", os.getpid(), "1.0", 1).write(place.runtime)
    print(place is not None, flush=True)
    input()
"""
    words = [sys.executable, "-c", start]
    running = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    said = [one.stdout.readline().strip() for one in running if one.stdout is not None]
    assert sorted(said) == ["False"] * 7 + ["True"]
    for one in running:
        one.communicate("\n")


@posix
def test_who_asks_does_not_keep_a_server_from_starting(tmp_path: Path) -> None:
    import fcntl
    import threading

    path = tmp_path / "lock"
    path.touch()
    with path.open() as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        threading.Timer(0.05, lambda: fcntl.flock(asking, fcntl.LOCK_UN)).start()
        lock = FileLock(path)
        assert lock.acquire()
    lock.release()


@posix
def test_what_somebody_else_may_have_written_is_not_believed(place: Place, tmp_path: Path) -> None:
    INFO.write(place.runtime)
    place.runtime.chmod(0o666)
    assert read_server_info() is None
    assert [error.hint for error in disbelieved()] == [f"chmod 600 {place.runtime}"]
    place.runtime.chmod(0o600)
    assert read_server_info() == INFO
    aside = place.runtime.rename(tmp_path / "aside.json")
    place.runtime.symlink_to(aside)
    assert read_server_info() is None
    (told,) = disbelieved()
    assert "is a link" in told.message
    assert told.hint == f"rm -f {place.runtime}"
    place.runtime.unlink()
    os.mkfifo(place.runtime, 0o600)
    assert read_server_info() is None
    (told,) = disbelieved()
    assert "no ordinary file" in told.message


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_the_file_of_somebody_else_is_not_believed(place: Place) -> None:
    INFO.write(place.runtime)
    os.chown(place.runtime, 12345, 12345)
    assert read_server_info() is None
    (told,) = disbelieved()
    assert "belongs to 12345" in told.message


@pytest.mark.parametrize(
    "change",
    [
        {"pid": "12"},
        {"pid": None},
        {"pid": 1.5},
        {"pid": 0},
        {"pid": -1},
        {"pid": 10**30},
        {"endpoint": 5555},
        {"endpoint": "tcp://192.0.2.1:5555"},
        {"endpoint": "tcp://localhost.evil.example:5555"},
        {"endpoint": "ipc:///tmp/x"},
        {"token": None},
        {"version": []},
        {"protocol": "1"},
        {"machine": 1},
    ],
)
def test_what_makes_no_sense_names_no_server(place: Place, change: dict[str, object]) -> None:
    INFO.write(place.runtime)
    known = json.loads(place.runtime.read_text())
    place.runtime.write_text(json.dumps({**known, **change}))
    assert read_server_info() is None
    assert len(list(disbelieved())) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", "\xff"])
def test_what_is_no_runtime_file_names_no_server(place: Place, text: str) -> None:
    place.runtime.touch(0o600)
    place.runtime.write_bytes(text.encode("latin-1"))
    assert read_server_info() is None
