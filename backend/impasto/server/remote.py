"""Access from other machines: an explicit choice, always encrypted, only for who has the invitation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import zmq

from impasto.server.broker import RemoteAccess
from impasto_link.errors import BadRequest, quoted
from impasto_link.files import write_private
from impasto_link.invitation import Invitation, check_keys
from impasto_link.state import runtime_dir

_KEYS = "server_public", "server_secret", "client_public", "client_secret"


class OpenToOthers(NamedTuple):
    """Both ends of a connection from another machine."""

    access: RemoteAccess
    invitation: Invitation


def open_to_others(address: str) -> OpenToOthers:
    """What the server needs in order to listen at an address, and the invitation, for when it does.

    The keys are made once and kept beside the runtime file, so that an invitation stays good after a restart.

    Args:
        address: HOST:PORT by which the other machine reaches this one.

    Raises:
        BadRequest: the address makes no sense.
    """
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})", address)
    if match is None or not 0 < int(match[2]) < 65536:
        raise BadRequest(
            f"{quoted(address)} is not an address.", "Write HOST:PORT, such as 192.168.1.5:5570 or [fd00::5]:5570."
        )
    keys = _keys(runtime_dir() / "remote-keys.json")
    invitation = Invitation(f"tcp://{address}", keys["server_public"], keys["client_public"], keys["client_secret"])
    # ZeroMQ listens at numbers; a name may belong to any interface.
    host = match[1] if re.fullmatch(r"[\d.]+|\[.*\]", match[1]) else "*"
    access = RemoteAccess(f"tcp://{host}:{match[2]}", keys["server_secret"], keys["client_public"])
    return OpenToOthers(access, invitation)


def _keys(path: Path) -> dict[str, str]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        keys = {name: str(raw[name]) for name in _KEYS}
        check_keys(keys.values())
    except (OSError, ValueError, KeyError, TypeError):
        pairs = [key.decode() for _ in range(2) for key in zmq.curve_keypair()]
        keys = dict(zip(_KEYS, pairs, strict=True))
        write_private(path, keys)
    return keys
