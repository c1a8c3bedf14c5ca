"""Painting what a source shows, as fast as it goes."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from impasto.client import to_region
from impasto.command import SERVER_COMMAND
from impasto.live.sources import Newest, Seen
from impasto_link.client import Call, Client
from impasto_link.coats import StyleChoice
from impasto_link.errors import ImpastoError
from impasto_link.frames import Frame
from impasto_link.launch import connect_or_start
from impasto_link.options import StylizeOptions

#: So many pictures are with the server at a time: while one is painted the next one is on its way.
_AHEAD = 2
#: The rate is that of so many pictures.
_COUNTED = 30


@dataclass(frozen=True)
class Look:
    """What is painted now.

    Attributes:
        style: of the library.
        second: another one to mix it with, or nothing.
        mix: how much of the second, 0 to 1.
        strength: 0 leaves the picture as it is.
        brush: the size of the strokes, 1 is usual.
        engine: what paints.
        keep_colors: whether only light and dark are the style's.
        side: the longest side that is painted, in pixels.
        mirrored: whether left is right, as one expects of oneself.
        steady: whether each painting goes on from the one before, without flicker.
    """

    style: str
    second: str = ""
    mix: float = 0.0
    strength: float = 1.0
    brush: float = 1.0
    engine: str = "small"
    keep_colors: bool = False
    side: int = 320
    mirrored: bool = False
    steady: bool = True

    def options(self) -> StylizeOptions:
        """As a request has it."""
        styles = [StyleChoice(self.style, 1 - self.mix if self.second else 1.0)]
        if self.second:
            styles.append(StyleChoice(self.second, self.mix))
        return StylizeOptions(
            tuple(styles),
            engine=self.engine,
            strength=self.strength,
            brush=self.brush,
            keep_colors=self.keep_colors,
            flatten=True,
        )


class Painted(NamedTuple):
    """A painting.

    Attributes:
        painting: (H, W, 3) uint8, sRGB.
        photo: what was painted, likewise.
        rate: paintings a second, lately.
        delay: seconds from seeing to having painted.
    """

    painting: np.ndarray
    photo: np.ndarray
    rate: float
    delay: float


class _UnderWay(NamedTuple):
    call: Call
    photo: np.ndarray
    at: float


class LivePainter:
    """Paints the newest picture of a source, again and again, in a thread of its own.

    Args:
        pictures: of the source.
        look: to begin with; set `look` to another one at any time.
        show: told of each painting, in the thread.
        tell: told what goes wrong, in a sentence, and with an empty one that all is well again. It goes on then, when
            something else is wanted.
        ended: called once there will be no more pictures.

    Attributes:
        look: what is wanted now.
    """

    def __init__(
        self,
        pictures: Newest,
        look: Look,
        show: Callable[[Painted], None],
        tell: Callable[[str], None],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.look = look
        self._pictures, self._show, self._tell, self._ended = pictures, show, tell, ended
        self._is_over = False
        self._sequence = uuid.uuid4().hex
        self._done: deque[float] = deque(maxlen=_COUNTED)
        self._thread = threading.Thread(target=self._run, daemon=True, name="painter")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once what is under way is done."""
        self._is_over = True
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over:
            try:
                self._paint()
                break
            except ImpastoError as error:
                self._tell(" ".join(filter(None, (error.message, error.hint))))
                self._wait_for_another(self.look)
        self._ended()

    def _wait_for_another(self, look: Look) -> None:
        while not self._is_over and self.look == look:
            time.sleep(0.05)

    def _paint(self) -> None:
        client = connect_or_start(SERVER_COMMAND)
        under_way: deque[_UnderWay] = deque()
        self._tell("")
        try:
            while not self._is_over:
                seen = self._pictures.take(lambda: self._is_over)
                if seen is None:
                    break
                under_way.append(self._send(client, seen))
                if len(under_way) >= _AHEAD:
                    self._finish(client, under_way.popleft())
            while under_way:
                self._finish(client, under_way.popleft())
        finally:
            client.close()

    def _send(self, client: Client, seen: Seen) -> _UnderWay:
        look = self.look
        photo = _fitted(seen.picture[:, ::-1] if look.mirrored else seen.picture, look.side)
        frame = Frame(self._sequence, seen.at) if look.steady else None
        return _UnderWay(client.stylize(to_region(photo)[0], look.options(), frame=frame), photo, seen.at)

    def _finish(self, client: Client, under_way: _UnderWay) -> None:
        region = client.wait(under_way.call).regions["pixels"]
        painting = np.frombuffer(region.data, np.uint8).reshape(under_way.photo.shape)
        now = time.monotonic()
        self._done.append(now)
        rate = (len(self._done) - 1) / max(1e-6, now - self._done[0])
        self._show(Painted(painting, under_way.photo, rate, now - under_way.at))


def _fitted(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture with its longest side made that long, if it is longer."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(picture)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
