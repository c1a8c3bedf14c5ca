"""The frames of an animation, painted one after the other so that each follows the one before without flicker."""

from __future__ import annotations

import uuid

from impasto_editor import request
from impasto_editor.choices import Choices
from impasto_editor.host import Animation
from impasto_editor.preview import Request
from impasto_editor.request import ReadPicture
from impasto_editor.texts import tr
from impasto_link.client import Event
from impasto_link.frames import Frame


class Frames:
    """What is asked for, frame by frame, and what comes back.

    Args:
        animation: the frames.
        choices: how.
        picture: reads the pictures among the styles.
        flatten: whether each painting is one finished picture.

    Raises:
        ImpastoError: no style is chosen, or a picture is gone.
    """

    def __init__(self, animation: Animation, choices: Choices, picture: ReadPicture, *, flatten: bool) -> None:
        self.animation = animation
        self._number = 0
        self._sequence = uuid.uuid4().hex
        options, self._regions = request.painting(choices, animation.read(0), picture, flatten=flatten)
        self._fields = options.to_wire()

    def request(self) -> Request:
        """The request for the frame that comes next."""
        if self._number:
            # Pictures are read once, and the selection is the same.
            self._regions = {**self._regions, "pixels": self.animation.read(self._number)["pixels"]}
        frame = Frame(self._sequence, self.animation.times[self._number])
        return "stylize", {**self._fields, **frame.to_wire()}, self._regions

    def take(self, event: Event) -> bool:
        """The frame is painted; whether another one comes."""
        self.animation.put(self._number, event.regions["pixels"])
        self._number += 1
        return self._number < len(self.animation.times)

    def far(self, fraction: float, words: str) -> tuple[float, str]:
        """How far all of it is, 0 to 1, and in words, by what is said of one frame."""
        count = len(self.animation.times)
        return (self._number + fraction) / count, tr(
            "frame {number} of {count}: {doing}", number=self._number + 1, count=count, doing=words
        )
