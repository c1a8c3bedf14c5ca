"""Errors with a sentence for a person, and their codes on the wire."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Mapping
from typing import Any

from impasto_link.sentences import parts_to_wire, text_from_wire

#: A value that somebody sent is repeated at about this length, whatever its own is: it ends in logs and on screens.
LONGEST_QUOTE = 80
#: Nobody reads more than this of a message or a hint, and whoever is sent them has to take them whole.
LONGEST_SENTENCE = 2000

_quotes = reprlib.Repr()
_quotes.maxlevel, _quotes.maxlist, _quotes.maxtuple, _quotes.maxdict = 1, 4, 4, 4
_quotes.maxstring = _quotes.maxother = _quotes.maxlong = LONGEST_QUOTE
#: Control characters, halves of surrogates (bytes in the name of a file that are no text), ends of lines.
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def quoted(value: object) -> str:
    """A value for a sentence: as Python writes it, in one printable line, and without its middle where it is long."""
    return _quotes.repr(value)


def printable(text: object) -> str:
    """A text, such as the name of a file, as one line for any screen: what moves a terminal's cursor is spelled out."""
    words = str(text)
    return (
        words
        if words.isprintable()
        else "".join(
            letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _UNPRINTABLE else letter
            for letter in words
        )
    )


class ImpastoError(Exception):
    """Something went wrong and a person should be told.

    Args:
        message: what happened, in a sentence.
        hint: what to do about it, in a sentence; may be empty.
    """

    code = "failed"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def to_wire(self) -> dict[str, Any]:
        """The fields of the event ``failed``."""
        message, hint = (
            one if len(one) <= LONGEST_SENTENCE else one[:LONGEST_SENTENCE] for one in (self.message, self.hint)
        )
        return {"code": self.code, "message": message, "hint": hint, **parts_to_wire(message=message, hint=hint)}


class Problem(ImpastoError):
    """Something in an editor's document is not as it has to be; a plugin says so in the user's language."""


class BadRequest(ImpastoError):
    """The request cannot be understood or has a value that cannot be used."""

    code = "bad-request"


class NoRoom(BadRequest):
    """Too much is waiting already; the same request may be met later."""

    code = "no-room"


class UnknownOperation(BadRequest):
    """The server does not know this operation."""

    code = "unknown-operation"


class WrongVersion(ImpastoError):
    """Client and server speak different versions of the protocol."""

    code = "wrong-version"


class UnknownStyle(ImpastoError):
    """There is no style of this name."""

    code = "unknown-style"


class NoSubject(ImpastoError):
    """No subject was found in the picture, or the mask that was sent is empty."""

    code = "no-subject"


class NotEnoughMemory(ImpastoError):
    """The job does not fit, not even in the smallest pieces."""

    code = "out-of-memory"


class WorkerDied(ImpastoError):
    """The process that did the work ended in the middle of it."""

    code = "worker-died"


class ModelProblem(ImpastoError):
    """A model is missing, damaged or cannot be written."""

    code = "model"


class Refused(ImpastoError):
    """The server did not let this client in."""

    code = "refused"


class ServerGone(ImpastoError):
    """There is no server, or it does not answer any more."""

    code = "server-gone"


class ServerEnded(ServerGone):
    """The server has ended. Where no work was under way, nothing is wrong: it ends when nobody needs it."""

    code = "server-ended"


class Cancelled(ImpastoError):
    """The job was cancelled."""

    code = "cancelled"


def from_wire(header: Mapping[str, Any]) -> ImpastoError:
    """The error that a server reported; codes of a newer server become a plain ``ImpastoError``."""
    kind = _BY_CODE.get(str(header.get("code")), ImpastoError)
    return kind(text_from_wire(header, "message"), text_from_wire(header, "hint"))


def _all_kinds(base: type[ImpastoError]) -> list[type[ImpastoError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in _all_kinds(child))]


_BY_CODE = {kind.code: kind for kind in _all_kinds(ImpastoError)}
