"""Pictures that follow one another: frames of a video, of an animation, of a camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from impasto_link.errors import BadRequest
from impasto_link.parameters import is_finite

#: Letters that the name of a sequence may have.
_LONGEST = 64


@dataclass(frozen=True)
class Frame:
    """That a picture is one of a sequence, whose paintings are to follow one another without flicker.

    Frames of a sequence are painted in the order in which they are sent. One that is not later than the one before, or
    much later, is of another size or is to be painted otherwise, begins the sequence anew.

    Attributes:
        sequence: which sequence: a text of at most 64 letters that nobody else uses, such as a uuid.
        at: when the frame is seen, in seconds from any beginning.

    Raises:
        BadRequest: it is none.
    """

    sequence: str
    at: float

    def __post_init__(self) -> None:
        if not isinstance(self.sequence, str) or not 0 < len(self.sequence) <= _LONGEST:
            raise BadRequest("The name of the sequence cannot be read.", "Send a text of 1 to 64 letters.")
        if isinstance(self.at, bool) or not isinstance(self.at, (int, float)) or not is_finite(self.at):
            raise BadRequest("The time of the frame cannot be read.", "Send a number of seconds.")

    def to_wire(self) -> dict[str, Any]:
        """The fields of a request's header."""
        return {"sequence": {"id": self.sequence, "at": self.at}}

    @classmethod
    def from_wire(cls, header: dict[str, Any]) -> Frame | None:
        """Read it out of a header; None for a picture by itself.

        Raises:
            BadRequest: it cannot be read.
        """
        entry = header.get("sequence")
        if entry is None:
            return None
        if not isinstance(entry, dict):
            raise BadRequest("The sequence of the request cannot be read.", "Send it as a map.")
        return cls(entry.get("id"), entry.get("at"))  # type: ignore[arg-type]  # it looks at them
