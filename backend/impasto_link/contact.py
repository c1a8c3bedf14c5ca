"""Contact with a server: who is there shows that first; a connection that is lost is made again; silence is judged."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from impasto_link import codec, proof
from impasto_link.errors import Refused
from impasto_link.patience import SILENCE, Patience
from impasto_link.pieces import Message
from impasto_link.transport import Transport

#: Between attempts to connect again, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
#: As much counts as silence at most between two looks, in seconds: a process that stood still has not listened.
LOOK_EVERY = 1.0


class Contact:
    """Messages to and from a server, over one connection after the other.

    Args:
        transport: the way to the server.
        greeted: is called with what the server says of itself over each new connection, once it has shown that it knows
            the token; before that nothing may be said to it.
        patience: with the server.

    Attributes:
        is_made: whether the server has answered over the connection that stands.
    """

    def __init__(self, transport: Transport, greeted: Callable[[codec.Header], None], patience: Patience) -> None:
        self._transport, self._greeted, self._patience = transport, greeted, patience
        self._quiet, self._ask_at = 0.0, SILENCE
        self._listened_at = time.monotonic()
        self._pause, self._retry_at = _FIRST_PAUSE, 0.0
        self._greet()

    def say(self, op: str, call_id: str, **fields: Any) -> None:
        """Say a few words."""
        self._transport.send(codec.encode({"op": op, "id": call_id, **fields}))

    def expect(self) -> None:
        """From now on an answer is waited for."""
        self._quiet, self._ask_at = 0.0, SILENCE

    def listen(self, wait: float, *, expecting: bool) -> list[Message]:
        """What has come, or comes within ``wait`` seconds.

        Args:
            wait: how long to wait.
            expecting: whether an answer is waited for, so that silence means something.

        Raises:
            ServerGone: it has ended, or does not answer any more.
            Refused: it does not let us in, or is not who it should be.
            BadRequest: it does not keep to the rules.
        """
        heard = self._transport.heard
        came: list[Message] = []
        try:
            if self._is_connected(wait):
                self._read(wait, came)
        except ConnectionError:
            # What came before that comes first; the transport will say it again.
            if not came:
                self._lose()
        except Refused:
            # One that was started in its place does not know our token.
            self._patience.check()
            raise
        if self._transport.heard != heard or not expecting:
            self.expect()
        else:
            self._judge_silence(wait)
        self._listened_at = time.monotonic()
        return came

    def _read(self, wait: float, came: list[Message]) -> None:
        message = self._transport.receive(wait)
        while message is not None:
            if self.is_made:
                came.append(message)
            else:
                self._take_hello(message)
            message = self._transport.receive(0.0)

    # --- connections

    def _greet(self) -> None:
        """Ask the server at the other end of a new connection to show who it is."""
        self.is_made = False
        self._challenge, self._hello = proof.challenge(), uuid.uuid4().hex
        self.say("hello", self._hello, challenge=self._challenge)

    def _take_hello(self, message: Message) -> None:
        header = codec.decode_header(message[0], codec.MAX_ANSWER)
        if header.get("id") != self._hello:
            return
        token = self._transport.token
        if token and not proof.is_right(header.get("proof"), token, "server", self._challenge):
            raise Refused("What answers there is not the server of this user.", "Start it with: impasto serve")
        self.is_made = True
        self._pause = _FIRST_PAUSE
        self._greeted(header)

    def _is_connected(self, wait: float) -> bool:
        """Connect again if that is due; False if there is nothing to listen to."""
        if self._retry_at:
            pause = max(0.0, self._retry_at - time.monotonic())
            time.sleep(min(pause, wait))
            if pause > wait:
                return False
            self._renew()
        return True

    def _renew(self) -> None:
        self._retry_at = 0.0
        self._transport.renew()
        self._greet()

    def _lose(self) -> None:
        """The connection is lost: if there still is a server, try again in a moment."""
        self.is_made = False
        self._retry_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._patience.check()

    # --- silence

    def _judge_silence(self, wait: float) -> None:
        before = self._quiet
        self._quiet += min(time.monotonic() - self._listened_at, max(wait, LOOK_EVERY))
        if int(self._quiet) > int(before):
            self._patience.wait(self._quiet)
        if self._quiet >= self._ask_at:
            # The connection may be dead and nobody has said so. There is nothing to lose: what is done is kept.
            self._ask_at += SILENCE
            self._renew()
