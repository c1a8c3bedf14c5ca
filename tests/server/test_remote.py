"""Programs on other machines: in with the invitation, out without. The other machine is this one, over CURVE."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zmq

from impasto.cli import main
from impasto.client import Server
from impasto_link.errors import Refused, ServerGone
from impasto_link.invitation import Invitation
from impasto_link.launch import connect_remote, connect_running
from support import RunningServer, wait_until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_by_invitation_only(
    own_server: Callable[..., RunningServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "invitation.json"
    own_server("--remote", f"127.0.0.1:{free_port()}", "--invitation", str(file))
    wait_until(file.exists)
    assert file.stat().st_mode & 0o777 == 0o600

    # As on another machine: nothing of the runtime folder, only the file.
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path / "elsewhere"))
    assert connect_running() is None
    monkeypatch.setenv("IMPASTO_SERVER", str(file))
    client = connect_running()
    assert client is not None
    with Server(client) as server:
        image = np.zeros((32, 32, 3), np.uint8)
        assert server.stylize(image, style="udnie").shape == image.shape

    invitation = Invitation.read(file)
    public, secret = zmq.curve_keypair()
    stranger = dataclasses.replace(invitation, client_public=public.decode(), client_secret=secret.decode())
    stranger.write(tmp_path / "stranger.json")
    with pytest.raises((Refused, ServerGone)):
        connect_remote(tmp_path / "stranger.json", timeout=2)


def test_what_is_no_invitation_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nonsense.json"
    file.write_text("[]")
    monkeypatch.setenv("IMPASTO_SERVER", str(file))
    assert main(["status"]) == 1
    assert "nonsense.json" in capsys.readouterr().err


def test_an_address_that_makes_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    assert main(["serve", "--remote", "everywhere"]) == 1
    assert "HOST:PORT" in capsys.readouterr().err
