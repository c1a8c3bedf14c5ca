"""How client and server show each other that they know the token, which itself never goes over the line.

Whoever listens where a server listened once would else be told the token, and be sent a picture.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict

_LENGTH = 32
#: A password is good once. So many that were used are remembered; only who knows the token can make more.
_REMEMBERED = 1 << 16


def challenge() -> str:
    """Something that nobody has asked before."""
    return secrets.token_hex(_LENGTH // 2)


def answer(token: str, role: str, asked: str) -> str:
    """What only who knows the token can answer; ``role`` says who answers, lest one is made to answer for another."""
    return hmac.new(token.encode(), f"{role} {asked}".encode(), hashlib.sha256).hexdigest()


def is_right(given: object, token: str, role: str, asked: str) -> bool:
    """Whether that is the `answer`."""
    return isinstance(given, str) and given.isascii() and hmac.compare_digest(given, answer(token, role, asked))


def password(token: str, role: str) -> str:
    """A password for one connection."""
    asked = challenge()
    return asked + answer(token, role, asked)


class Passwords:
    """The passwords of who knows a token; each is good once.

    Args:
        token: what has to be known.
        role: who may come in with it.
    """

    def __init__(self, token: str, role: str) -> None:
        self._token, self._role = token, role
        self._used: OrderedDict[str, None] = OrderedDict()

    def take(self, given: str) -> bool:
        """Whether a password is good; it is not any more then."""
        asked, rest = given[:_LENGTH], given[_LENGTH:]
        if asked in self._used or not is_right(rest, self._token, self._role, asked):
            return False
        self._used[asked] = None
        if len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)
        return True
