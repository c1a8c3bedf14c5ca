"""Homes and folders in which no server could work: missing, full, somebody else's. Each is said with what mends it."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import impasto_link
from impasto.cli import main
from impasto_link.errors import ImpastoError
from impasto_link.files import write_private
from impasto_link.launch import start_server
from impasto_link.state import problems, ready_folder, runtime_dir

NOBODY = 12345
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners and rights of POSIX")
root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of the user `NOBODY`, whom this system does not know, where that user can get at it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("IMPASTO_RUNTIME_DIR", raising=False)
    yield folder
    shutil.rmtree(folder)


def as_nobody(do: Callable[[], object]) -> str:
    """What a function says or raises when that user calls it, in a process of its own; "" if it raises nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            try:
                do()
                said = ""
            except ImpastoError as error:
                said = f"{error.message}\n{error.hint}"
            except BaseException as error:
                said = repr(error)
            os.write(writing, said.encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


@root
def test_a_home_that_can_be_used_is_used(home: Path) -> None:
    assert as_nobody(ready_folder) == ""
    folder = home / ".local/state/impasto"
    assert folder.stat().st_uid == NOBODY
    assert not list(folder.iterdir()), "trying leaves nothing behind"


@root
@pytest.mark.parametrize("whose", [".local", ".local/state", ".local/state/impasto"])
def test_what_root_has_made_by_sudo_is_given_back(home: Path, whose: str) -> None:
    made = home / ".local/state/impasto"
    made.mkdir(parents=True)
    for folder in (made, *made.parents):
        if folder != home and folder.is_relative_to(home) and not folder.is_relative_to(home / whose):
            os.chown(folder, NOBODY, NOBODY)
    said = as_nobody(ready_folder)
    assert f"{home / whose} belongs to root, and you are {NOBODY}" in said
    assert said.endswith(f"\nsudo chown -R {NOBODY} {home / whose}")
    assert as_nobody(lambda: start_server([sys.executable])) == said, "before anything is started"
    subprocess.run(shlex.split(said.splitlines()[-1].removeprefix("sudo ")), check=True)
    assert as_nobody(ready_folder) == ""


@root
@pytest.mark.parametrize("name", ["vm.server.lock", "vm.server.log", "vm.server.json", "command.json"])
def test_files_of_root_are_given_back_together(home: Path, name: str) -> None:
    assert as_nobody(ready_folder) == ""
    folder = home / ".local/state/impasto"
    (folder / name).touch(0o600)
    (folder / "zz.server.log").touch(0o600)
    said = as_nobody(ready_folder)
    assert f"{folder / name} belongs to root" in said
    assert said.endswith(f"\nsudo chown -R {NOBODY} {folder}")


@root
def test_nobody_is_told_to_take_what_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers set HOME to / for a user that they do not know; accounts of services have one that is not there."""
    monkeypatch.delenv("IMPASTO_RUNTIME_DIR", raising=False)
    for folder, whose in {"/": "/", "/nonexistent": "/", "/usr/nonexistent": "/usr"}.items():
        monkeypatch.setenv("HOME", folder)
        said = as_nobody(ready_folder)
        assert f" {whose} belongs to root" in said
        assert "chown" not in said
        assert f"export IMPASTO_RUNTIME_DIR={tempfile.gettempdir()}/impasto-{NOBODY}" in said


@root
def test_without_a_home_a_folder_can_be_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    said = as_nobody(runtime_dir)
    assert "There is no home folder" in said
    assert f"export IMPASTO_RUNTIME_DIR={tempfile.gettempdir()}/impasto-{NOBODY}" in said
    for command in (["status"], ["stop"], ["doctor"], ["styles"], ["install", "krita"], ["uninstall", "gimp"]):
        assert as_nobody(functools.partial(_exit_with, command)) == "SystemExit(1)", command
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(home / "mine"))
    assert as_nobody(ready_folder) == ""


def _exit_with(command: list[str]) -> None:
    raise SystemExit(main(command))


@root
def test_the_doctor_finds_what_root_has_left(home: Path) -> None:
    (home / ".local").mkdir(mode=0o700)

    def doctor() -> None:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = main(["doctor"])
        raise ImpastoError(f"{said.getvalue()} exit {status}")

    said = as_nobody(doctor)
    assert "!!  server" in said
    assert f"sudo chown -R {NOBODY} {home / '.local'}" in said
    assert "exit 1" in said


@root
def test_root_leaves_nothing_in_the_home_of_a_user(home: Path) -> None:
    with pytest.raises(ImpastoError, match=f"You are root, but {home} belongs to {NOBODY}") as raised:
        ready_folder()
    assert "without sudo" in raised.value.hint
    assert not list(home.iterdir())


def test_rights_that_the_user_has_taken_away(home: Path) -> None:
    home.chmod(0o500)
    said = as_nobody(ready_folder) if os.geteuid() == 0 else str(next(problems()))
    assert "its rights forbid you" in said
    assert said.endswith(f"chmod u+rwX {home}")


def test_a_file_where_a_folder_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path / "file" / "impasto"))
    with pytest.raises(ImpastoError, match=f"{tmp_path / 'file'} is not a folder"):
        ready_folder()


@pytest.mark.parametrize(
    ("mount", "words"),
    [("mount -t tmpfs -o ro none {}", "can only be read"), ("mount -t tmpfs -o size=4k none {0}", "the disk is full")],
    ids=["read-only", "full"],
)
def test_disks_that_take_nothing(tmp_path: Path, mount: str, words: str) -> None:
    code = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from impasto_link.files import write_private
from impasto_link.state import problems, runtime_dir
folder = runtime_dir()
if sys.argv[2] == "full":
    (folder / "fill").write_bytes(bytes(4096))
print([f"{problem.message} {problem.hint}" for problem in problems()])
try:
    write_private(folder / "command.json", {"command": "x" * 100_000})
except OSError:
    print(sorted(path.name for path in folder.iterdir()))
"""
    link = Path(impasto_link.__file__).parents[1]
    python = shlex.join([sys.executable, "-c", code, str(link), "full" if "full" in words else ""])
    run = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount.format(shlex.quote(str(tmp_path)))} || exit 77; {python}"],
        env={**os.environ, "IMPASTO_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    if run.returncode == 77 or "unshare" in run.stderr:
        pytest.skip("no mounts may be made here")
    found, left = run.stdout.splitlines()
    assert words in found
    assert left == ("['fill']" if "full" in words else "[]"), "half a file stays nowhere"


def test_a_file_that_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_private(tmp_path / "file.json", {"no": object()})
    assert not list(tmp_path.iterdir())
