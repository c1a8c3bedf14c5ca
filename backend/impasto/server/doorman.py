"""Who is let in: ZeroMQ asks about every connection (https://rfc.zeromq.org/spec/27/), the doorman answers."""

from __future__ import annotations

import logging
from collections.abc import Callable

import zmq
from zmq.utils import z85

from impasto_link.proof import Passwords

log = logging.getLogger(__name__)


class Doorman:
    """Answers for the sockets of one context, between other things: nobody comes in but by it.

    Attributes:
        socket: where ZeroMQ asks; call `answer` when it has something to read.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self.socket: zmq.Socket[bytes] = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind("inproc://zeromq.zap.01")
        self._rules: dict[bytes, Callable[[bytes, list[bytes]], bool]] = {}

    def let_in_with_password(self, socket: zmq.Socket[bytes], user: str, token: str) -> None:
        """Let a user in who shows with PLAIN that he knows the token; see `impasto_link.proof`."""
        passwords = Passwords(token, user)

        def knows(mechanism: bytes, credentials: list[bytes]) -> bool:
            return (
                mechanism == b"PLAIN"
                and len(credentials) == 2
                and credentials[0] == user.encode()
                and passwords.take(credentials[1].decode("ascii", "replace"))
            )

        socket.plain_server = True
        self._guard(socket, knows)

    def let_in_with_key(self, socket: zmq.Socket[bytes], server_secret: str, client_public: str) -> None:
        """Let in who has with CURVE the key that belongs to a public one; keys are Z85 encoded."""
        public = z85.decode(client_public)
        socket.curve_server = True
        socket.curve_secretkey = server_secret.encode()
        self._guard(socket, lambda mechanism, credentials: mechanism == b"CURVE" and credentials == [public])

    def answer(self) -> None:
        """Answer what ZeroMQ has asked."""
        while self.socket.poll(0):
            version, request, domain, _address, _identity, mechanism, *credentials = self.socket.recv_multipart()
            rule = self._rules.get(domain)
            may_come = rule is not None and rule(mechanism, credentials)
            code, text = (b"200", b"OK") if may_come else (b"400", b"not let in")
            self.socket.send_multipart([version, request, code, text, b"", b""])

    def _guard(self, socket: zmq.Socket[bytes], rule: Callable[[bytes, list[bytes]], bool]) -> None:
        domain = b"door %d" % len(self._rules)
        socket.zap_domain = domain
        self._rules[domain] = rule
