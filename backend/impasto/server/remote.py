"""Access from other machines: an explicit choice, always encrypted, only for who has the invitation."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from pathlib import Path
from typing import NamedTuple

import zmq

from impasto.server.options import RemoteAccess
from impasto_link.errors import BadRequest, quoted
from impasto_link.files import read_regular, write_private
from impasto_link.invitation import Invitation, check_keys
from impasto_link.sentences import say
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
        address: HOST:PORT by which the other machine reaches this one; a name stands for its addresses. With 0.0.0.0 or
            [::] the server listens at all addresses, and one of its own goes into the invitation.

    Raises:
        BadRequest: the address makes no sense.
    """
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})", address)
    if match is None or not 0 < int(match[2]) < 65536:
        raise BadRequest(
            say("{address} is not an address.", address=quoted(address)),
            "Write HOST:PORT, such as 192.168.1.5:5570 or [fd00::5]:5570.",
        )
    host, port = match[1].strip("[]"), match[2]
    addresses = _addresses_of(host)
    others = _own_address(addresses[0]) if ipaddress.ip_address(addresses[0]).is_unspecified else host
    keys = _keys(runtime_dir() / "remote-keys.json")
    invitation = Invitation(
        _endpoint(others, port), keys["server_public"], keys["client_public"], keys["client_secret"]
    )
    access = RemoteAccess(tuple(addresses), int(port), keys["server_secret"], keys["client_public"])
    return OpenToOthers(access, invitation)


def _endpoint(host: str, port: str) -> str:
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _addresses_of(host: str) -> list[str]:
    """The addresses that a name stands for, and no others; an address stands for itself."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BadRequest(
            say("This machine does not know the name {host}: {why}.", host=quoted(host), why=why),
            "Write its address instead of a name.",
        ) from error
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    # localhost is ::1, too, also where this machine has no IPv6. If none is here, listening there says so.
    return [one for one in addresses if _is_here(one)] or addresses


def _is_here(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _own_address(everywhere: str) -> str:
    """The address of this machine in its network, for who listens at all of them: 0.0.0.0 leads nobody here."""
    family, far = (socket.AF_INET6, "2001:db8::1") if ":" in everywhere else (socket.AF_INET, "192.0.2.1")
    try:
        # Nothing is sent; the system says from where it would be. The address is one of those for examples.
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            return str(probe.getsockname()[0])
    except OSError as error:
        raise BadRequest(
            say(
                "Other machines cannot be invited to {everywhere}, and this one knows no other address of its own.",
                everywhere=everywhere,
            ),
            "Write the address by which they reach it, such as 192.168.1.5:5570.",
        ) from error


def _keys(path: Path) -> dict[str, str]:
    try:
        raw = json.loads(read_regular(path, 1 << 16))
        keys = {name: str(raw[name]) for name in _KEYS}
        check_keys(keys.values())
    except (OSError, ValueError, KeyError, TypeError):
        pairs = [key.decode() for _ in range(2) for key in zmq.curve_keypair()]
        keys = dict(zip(_KEYS, pairs, strict=True))
        write_private(path, keys)
    return keys
