"""Access from other machines: an explicit choice, always encrypted, only for who has the invitation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import zmq

from impasto.server.broker import RemoteAccess
from impasto_link.discovery import runtime_dir, write_private
from impasto_link.errors import BadRequest
from impasto_link.invitation import Invitation


def open_to_others(address: str, invitation_file: Path) -> RemoteAccess:
    """Prepare to listen at an address and write the invitation for it.

    The keys are made once and kept beside the runtime file, so that an invitation stays good after a restart.

    Args:
        address: HOST:PORT by which the other machine reaches this one.
        invitation_file: where to write the invitation.

    Raises:
        BadRequest: the address makes no sense.
    """
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})", address)
    if match is None or not 0 < int(match[2]) < 65536:
        raise BadRequest(f"{address!r} is not an address.", "Write HOST:PORT, such as 192.168.1.5:5570.")
    keys = _keys(runtime_dir() / "remote-keys.json")
    invitation = Invitation(f"tcp://{address}", keys["server_public"], keys["client_public"], keys["client_secret"])
    invitation.write(invitation_file)
    # ZeroMQ listens at numbers; a name may belong to any interface.
    host = match[1] if re.fullmatch(r"[\d.]+|\[.*\]", match[1]) else "*"
    return RemoteAccess(f"tcp://{host}:{match[2]}", keys["server_secret"], keys["client_public"])


def _keys(path: Path) -> dict[str, str]:
    try:
        keys: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        keys = {}
        for side in ("server", "client"):
            public, secret = zmq.curve_keypair()
            keys |= {f"{side}_public": public.decode(), f"{side}_secret": secret.decode()}
        write_private(path, keys)
    return keys
