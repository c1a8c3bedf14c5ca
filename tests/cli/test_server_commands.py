"""The commands about the server itself, with servers that are not as they should be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from impasto.cli import main
from impasto.command import SERVER_COMMAND
from impasto.nets.style_bank import StyleBankNet
from impasto.server.logs import MAX_BYTES
from impasto.zoo.bank import save_bank
from impasto_link import __version__
from impasto_link.discovery import ServerInfo, claim, runtime_file
from impasto_link.errors import ServerGone
from impasto_link.launch import connect_or_start, remember_command
from support import PATIENCE, RunningServer, wait_until


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of another test's servers; and the next test finds again the one that it knows."""
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))


def test_the_log_of_a_server_that_could_not_be_started_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ServerGone, match="could not be started"):
        connect_or_start([sys.executable, "-c", "raise SystemExit('no disk in drive A')"])
    assert main(["status"]) == 1
    said = capsys.readouterr().out
    assert "does not run" in said
    log = Path(said.split("log", 1)[1].strip())
    assert "no disk in drive A" in log.read_text()
    assert main(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"running": False, "log": str(log)}


@pytest.mark.skipif(sys.platform == "win32", reason="signals that stop a process")
def test_a_server_that_does_not_answer_is_told_from_none(
    own_server: Callable[..., RunningServer], capsys: pytest.CaptureFixture[str]
) -> None:
    running = own_server(worker=False)
    pid = running.info.pid
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    for command in ("stop", "status"):
        assert main([command]) == 1
        said = "".join(capsys.readouterr())
        assert f"process {pid}, but stands still" in said
        assert "impasto stop --force" in said
    assert main(["doctor"]) == 1
    assert "impasto stop --force" in capsys.readouterr().out
    with pytest.raises(ServerGone, match=f"process {pid}, but does not answer"):
        connect_or_start(["no-such-program"], timeout=0.1)  # nor is another one started
    # It holds the lock, and nobody else: with that it can be ended although it hears nothing.
    assert main(["stop", "--force"]) == 0
    assert "has stopped" in capsys.readouterr().out
    assert running.process.wait(PATIENCE) == -signal.SIGKILL
    assert main(["stop", "--force"]) == 0
    assert "does not run" in capsys.readouterr().out


def test_a_process_that_has_the_number_of_a_crashed_server_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    ServerInfo("tcp://127.0.0.1:9", "a token", os.getpid(), __version__, 1).write(runtime_file())
    assert main(["stop"]) == 0
    assert "does not run" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="signals that stop a process")
def test_only_a_server_that_starts_puts_the_old_log_aside(own_server: Callable[..., RunningServer]) -> None:
    running = own_server(worker=False)
    log = next((running.folder / "runtime").glob("*.server.log"))
    running.process.send_signal(signal.SIGSTOP)  # one that runs may look after the size of its own log
    log.write_text("\n" * (MAX_BYTES + 1))
    serve = [sys.executable, "-m", "impasto", "serve", "--exit-after", "0.01"]
    second = subprocess.run(serve, env=running.environment, capture_output=True, text=True, timeout=PATIENCE)
    assert "runs already" in second.stderr
    assert log.stat().st_size > MAX_BYTES
    assert not log.with_suffix(".log.old").exists()
    running.process.kill()
    running.process.wait()
    subprocess.run(serve, env=running.environment, capture_output=True, timeout=PATIENCE)
    assert log.stat().st_size < MAX_BYTES
    assert log.with_suffix(".log.old").exists()


def test_a_server_that_runs_cannot_be_opened_to_others_any_more(capsys: pytest.CaptureFixture[str]) -> None:
    with claim() as place:
        assert place is not None
        ServerInfo("tcp://127.0.0.1:9", "a token", os.getpid(), __version__, 1).write(place.runtime)
        assert main(["serve"]) == 0, "whoever starts one is served"
        assert f"runs already as process {os.getpid()}" in capsys.readouterr().err
        assert main(["serve", "--remote", "127.0.0.1:5570"]) == 1
    said = capsys.readouterr().err
    assert "Other machines cannot reach it" in said
    assert "impasto stop" in said


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
def test_the_doctor_finds_what_cannot_be_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = runtime_file()
    ServerInfo("tcp://127.0.0.1:9", "a token", os.getpid(), __version__, 1).write(file)
    file.chmod(0o644)
    assert main(["doctor"]) == 1
    assert f"chmod 600 {file}" in capsys.readouterr().out


def test_the_doctor_finds_that_editors_cannot_start_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    remember_command([str(tmp_path / "moved" / "python"), "-m", "impasto"])
    assert main(["doctor"]) == 0, "the command line can"
    assert "editors cannot start it" in capsys.readouterr().out
    remember_command(SERVER_COMMAND)
    assert main(["doctor"]) == 0
    assert "editors cannot start it" not in capsys.readouterr().out


def test_the_doctor_finds_a_folder_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path / "file"))
    assert main(["doctor"]) == 1
    assert f"{tmp_path / 'file'} is not a folder" in capsys.readouterr().out
    assert main(["status"]) == 1
    assert f"{tmp_path / 'file'} is not a folder" in capsys.readouterr().err


def test_a_device_that_no_machine_has_starts_no_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--device", "gpu"]) == 1
    assert "'gpu' is not known" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_invitation_is_written_over_an_older_one_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "important.json"
    file.write_text('{"mine": true}')
    assert main(["serve", "--remote", "127.0.0.1:0", "--invitation", str(file)]) == 1
    assert "is there already, and is no invitation" in capsys.readouterr().err
    assert file.read_text() == '{"mine": true}'
    assert list(tmp_path.iterdir()) == [file]


def put_style(folder: Path, name: str) -> None:
    """A style of an untrained network, and a card that is none."""
    folder.mkdir(parents=True)
    net = StyleBankNet(width=4, blocks=1)
    codes = {name: net.neutral_code()[None, None]}
    save_bank(folder / f"{name}.safetensors", net, codes, [{"name": name}], {}, with_body=True)
    (folder / f"bad-{name}.json").write_text("{")


@pytest.fixture
def remote_server(
    own_server: Callable[..., RunningServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RunningServer:
    """A server as on another machine, with a style that this one has not, and the other way round."""
    put_style(tmp_path / "0" / "models", "only-there")
    put_style(tmp_path / "models", "only-here")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    file = tmp_path / "invitation.json"
    running = own_server("--remote", f"127.0.0.1:{port}", "--invitation", str(file))
    wait_until(file.exists)
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("IMPASTO_SERVER", str(file))
    return running


@pytest.mark.usefixtures("remote_server")
def test_the_styles_of_another_machine_are_listed_and_painted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["styles"]) == 0
    said = capsys.readouterr()
    assert "only-there" in said.out
    assert "starry-night" in said.out
    assert "only-here" not in said.out
    assert "bad-only-there.json" in said.err
    assert "bad-only-here.json" not in said.err
    assert main(["styles", "--json"]) == 0
    styles = {style["name"]: style for style in json.loads(capsys.readouterr().out)}
    assert {"name", "title", "artist", "year", "bank", "engine"} <= set(styles["only-there"])

    photo, sheet = tmp_path / "photo.png", tmp_path / "sheet.png"
    Image.new("RGB", (32, 32), "red").save(photo)
    assert main(["styles", "--sheet", str(sheet), "--photo", str(photo), "--cell", "16"]) == 0
    assert f"/{len(styles)} " in capsys.readouterr().err, "each style of the other machine is painted"
    assert sheet.is_file()


def test_a_server_on_another_machine_is_stopped(
    remote_server: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    # This machine has one, too, with which nothing is to happen.
    with claim() as place:
        assert place is not None
        ServerInfo("tcp://127.0.0.1:9", "a token", os.getpid(), __version__, 1).write(place.runtime)
        before = place.runtime.read_bytes()
        assert main(["stop"]) == 0
        assert "on the other machine has stopped" in capsys.readouterr().out
        assert remote_server.process.wait(PATIENCE) == 0
        assert place.runtime.read_bytes() == before
