"""Programs on other machines: in with the invitation, out without. The other machine is this one, over CURVE."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zmq

from impasto.cli import main
from impasto.client import Server
from impasto.server.remote import open_to_others
from impasto_link.errors import BadRequest, Refused, ServerGone
from impasto_link.invitation import Invitation
from impasto_link.launch import connect_remote, connect_running
from support import PATIENCE, RunningServer, wait_until


def free_port(host: str = "127.0.0.1") -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        return int(probe.getsockname()[1])


def has_ipv6() -> bool:
    try:
        return free_port("::1") > 0
    except OSError:
        return False


def serve(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A server that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "impasto", "serve", *arguments],
        env={**os.environ, "IMPASTO_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", pytest.param("[::1]", marks=pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6"))],
)
def test_by_invitation_only(
    own_server: Callable[..., RunningServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    host: str,
) -> None:
    file = tmp_path / "invitation.json"
    own_server("--remote", f"{host}:{free_port(host.strip('[]'))}", "--invitation", str(file))
    wait_until(file.exists)
    assert file.stat().st_mode & 0o777 == 0o600

    # As on another machine: nothing of the runtime folder, only the file.
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path / "elsewhere"))
    assert connect_running() is None
    monkeypatch.setenv("IMPASTO_SERVER", str(file))
    client = connect_running()
    assert client is not None
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "server.log").write_text("of another server")
    assert main(["status"]) == 0
    assert "server.log" not in capsys.readouterr().out  # its log lies on the other machine
    with Server(client) as server:
        image = np.zeros((32, 32, 3), np.uint8)
        assert server.stylize(image, style="udnie").shape == image.shape

    invitation = Invitation.read(file)
    public, secret = zmq.curve_keypair()
    stranger = dataclasses.replace(invitation, client_public=public.decode(), client_secret=secret.decode())
    stranger.write(tmp_path / "stranger.json")
    with pytest.raises((Refused, ServerGone)):
        connect_remote(tmp_path / "stranger.json", timeout=2)


@pytest.mark.parametrize(
    ("endpoint", "cut"), [("", 0), ("192.168.1.5:5570", 0), ("tcp://192.168.1.5", 0), ("tcp://192.168.1.5:5570", 1)]
)
def test_what_is_no_invitation_is_said(
    endpoint: str, cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nonsense.json"
    file.write_text("[]")
    if endpoint:
        # As after the server's machine got another address.
        key = zmq.curve_keypair()[0].decode()
        Invitation(endpoint, key, key[cut:], key).write(file)
    monkeypatch.setenv("IMPASTO_SERVER", str(file))
    assert main(["status"]) == 1
    assert "nonsense.json" in capsys.readouterr().err


def test_keys_outlast_a_restart_and_are_made_anew_where_they_are_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    first = open_to_others("127.0.0.1:5570")
    assert open_to_others("127.0.0.1:5570") == first
    kept = tmp_path / "remote-keys.json"
    for damaged in ("[]", "{}", kept.read_text().replace(first.invitation.server_public, "short")):
        kept.write_text(damaged)
        assert open_to_others("127.0.0.1:5570") != first


def test_a_name_means_its_addresses_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    opened = open_to_others("localhost:5570")
    assert opened.invitation.endpoint == "tcp://localhost:5570"
    assert set(opened.access.hosts) <= {"127.0.0.1", "::1"}
    with pytest.raises(BadRequest, match="does not know the name"):
        open_to_others("no-such-machine.invalid:5570")


def test_who_listens_everywhere_invites_to_one_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    try:
        opened = open_to_others("0.0.0.0:5570")
    except BadRequest as error:
        # A machine without a network has no address for others.
        assert "no other address" in error.message
    else:
        assert opened.access.hosts == ("0.0.0.0",)
        assert re.fullmatch(r"tcp://(?!0\.0\.0\.0)[\d.]+:5570", opened.invitation.endpoint)


def test_an_invitation_that_others_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key = zmq.curve_keypair()[0].decode()
    Invitation("tcp://192.168.1.5:5570", key, key, key).write(file := tmp_path / "invitation.json")
    assert Invitation.read(file)
    assert not caplog.records
    file.chmod(0o644)
    assert Invitation.read(file)
    assert "Others can read" in caplog.text


def test_an_address_that_makes_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    assert main(["serve", "--remote", "everywhere"]) == 1
    assert "HOST:PORT" in capsys.readouterr().err


def test_nobody_is_invited_where_the_server_cannot_listen(tmp_path: Path) -> None:
    file = tmp_path / "invitation.json"
    key = zmq.curve_keypair()[0].decode()
    Invitation("tcp://127.0.0.1:5570", key, key, key).write(file)
    of_a_server_that_runs = file.read_text()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve(tmp_path / "runtime", "--remote", f"127.0.0.1:{port}", "--invitation", str(file))
    assert ended.returncode == 1
    assert f"cannot listen at tcp://127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "other machines" not in ended.stdout
    assert file.read_text() == of_a_server_that_runs


def test_an_invitation_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = tmp_path / "file" / "invitation.json"
    ended = serve(tmp_path / "runtime", "--remote", f"127.0.0.1:{free_port()}", "--invitation", str(file))
    assert ended.returncode == 1
    assert f"cannot be written to {file}" in ended.stderr
    assert "--invitation" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "other machines" not in ended.stdout
    # Whatever the server had begun by then is gone with it.
    assert not list((tmp_path / "runtime").glob("*.server.json"))
    log = [json.loads(line) for line in next((tmp_path / "runtime").glob("*.server.log")).read_text().splitlines()]
    assert log[-1]["message"] == "stopping"
