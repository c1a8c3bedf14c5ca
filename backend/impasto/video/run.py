"""A clip, frame by frame through the server: decoding, painting and encoding overlap."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np

from impasto.video.frames import Clip, Frame
from impasto.video.parts import Parts
from impasto_link import frames
from impasto_link.client import Call, Client
from impasto_link.contact import LOOK_EVERY
from impasto_link.errors import Cancelled, ImpastoError, NoSubject, ServerGone, WorkerDied
from impasto_link.options import StylizeOptions
from impasto_link.pixels import PixelFormat, Region

T = TypeVar("T")

#: How many frames are at the server: one that is painted, and one that lies ready.
AT_ONCE = 2
#: How many painted frames may wait to be encoded.
_TO_ENCODE = 4
#: How often a frame is tried.
_TRIES = 3
#: What may be well with the same frame the next time.
_PASSING = (ServerGone, WorkerDied, Cancelled)
#: Seconds before those that are missing, which are painted once more so that what follows fits to them.
_WARM_UP = 1
_DTYPES: dict[str, np.dtype[Any]] = {"u8": np.dtype(np.uint8), "u16": np.dtype("<u2")}


class Watcher(Protocol):
    """Who hears of a run while it goes on."""

    def say(self, text: str) -> None:
        """A sentence for the person."""

    def at(self, done: float, doing: str) -> None:
        """How many frames are done, a part of one included, and what is done with the first that is not."""


#: Sends a frame: the connection, its pixels, how it is to be painted, and which frame of which sequence it is.
Send = Callable[[Client, Region, StylizeOptions, frames.Frame], Call]


@dataclass
class _Sent:
    frame: Frame
    options: StylizeOptions
    call: Call
    tries: int = 1


class Painter:
    """Paints frames in their order.

    Args:
        clip: whose frames they are.
        options: how to paint them.
        send: sends one.
        connect: makes a connection to the server; starts one if there is none.
        watcher: hears of it.
        told: whether a mask tells where the subject is, so that there has to be one.

    Attributes:
        done: how many are painted.
    """

    def __init__(
        self,
        clip: Clip,
        options: StylizeOptions,
        send: Send,
        connect: Callable[[], Client],
        watcher: Watcher,
        *,
        told: bool = False,
    ) -> None:
        self.done = 0
        self._clip, self._options, self._ask, self._connect, self._watcher = clip, options, send, connect, watcher
        self._told = told
        self._sequence = uuid.uuid4().hex
        self._client: Client | None = None
        self._waiting = deque[_Sent]()
        self._said: set[str] = set()

    def paint(self, wanted: Iterator[Frame]) -> Iterator[Frame]:
        """The frames, painted.

        Raises:
            ImpastoError: one cannot be painted, and so nothing of what follows.
        """
        self._client = self._connect()
        try:
            while True:
                while len(self._waiting) < AT_ONCE and (frame := next(wanted, None)) is not None:
                    self._waiting.append(_Sent(frame, self._options, self._send(frame, self._options)))
                if not self._waiting:
                    return
                pixels = self._next()
                self.done += 1
                yield replace(self._waiting.popleft().frame, pixels=pixels)
                self._watcher.at(self.done, "")
        finally:
            with suppress(ImpastoError):
                self._client.close()

    def _send(self, frame: Frame, options: StylizeOptions) -> Call:
        assert self._client is not None
        height, width, channels = frame.pixels.shape
        pixels = np.ascontiguousarray(frame.pixels)
        profile = self._clip.profile
        of = PixelFormat(
            *(width, height, "RGBA" if channels == 4 else "RGB", "u16" if pixels.itemsize == 2 else "u8"),
            encoding="srgb" if profile is None else "icc",
        )
        at = frames.Frame(self._sequence, float(frame.time * self._clip.time_base))
        return self._ask(self._client, Region(of, pixels.data.cast("B"), profile), options, at)

    def _next(self) -> np.ndarray:
        """The pixels of the first frame that waits, painted."""
        while True:
            first = self._waiting[0]
            try:
                return self._pixels(first)
            except NoSubject:
                if self._told:
                    raise
                self._say_once("No subject was found in some of the frames. All of these is background.")
                other = without_subject(first.options)
                if other is None:
                    return first.frame.pixels
                first.options, first.call = other, self._send(first.frame, other)
            except _PASSING as error:
                if first.tries == _TRIES:
                    raise
                first.tries += 1
                self._again(error)

    def _pixels(self, sent: _Sent) -> np.ndarray:
        client, call = self._client, sent.call
        assert client is not None
        while not call.finished:
            with suppress(ImpastoError):  # All calls have ended with it.
                client.poll(LOOK_EVERY)
            for event in call.events:
                if event.kind in ("progress", "preview"):
                    self._watcher.at(self.done + event.fraction, event.doing)
            call.events.clear()
        if call.error is not None:
            raise call.error
        assert call.result is not None
        for note in call.result.fields.get("notes", ()):
            self._say_once(note)
        region = call.result.regions["pixels"]
        return np.frombuffer(region.data, _DTYPES[region.format.dtype]).reshape(sent.frame.pixels.shape)

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._watcher.say(text)

    def _again(self, error: ImpastoError) -> None:
        """Send all that waits once more, in its order."""
        assert self._client is not None
        if isinstance(error, ServerGone):
            self._watcher.say(f"{error.message} Going on with a new one.")
            with suppress(ImpastoError):
                self._client.close()
            self._client = self._connect()
        for sent in self._waiting:
            self._client.cancel(sent.call)
        for sent in self._waiting:
            sent.call = self._send(sent.frame, sent.options)


def without_subject(options: StylizeOptions) -> StylizeOptions | None:
    """How a frame without a subject is painted: all of it is background. None if nothing of it is painted."""
    if options.background_styles:
        return replace(options, styles=options.background_styles, background_styles=())
    if options.area == "subject":
        return None
    return replace(options, area="everything")


def paint_clip(clip: Clip, painter: Painter, parts: Parts) -> None:
    """Paint what is missing of a clip into its parts. When this fails, all that is painted is in them.

    Raises:
        ImpastoError: nothing more can be painted or written.
    """
    after = parts.last
    if after is not None and next(clip.frames(after), None) is None:
        return  # all that was missing is to be joined
    start = None if after is None else after - int(_WARM_UP / clip.time_base)
    with ThreadPoolExecutor(1) as decoder, ThreadPoolExecutor(1) as encoder:
        encoding = deque[Future[None]]()
        try:
            for frame in painter.paint(_ahead(clip.frames(start), decoder)):
                if after is not None and frame.time <= after:
                    painter.done -= 1
                    continue
                encoding.append(encoder.submit(parts.add, frame))
                if len(encoding) > _TO_ENCODE:
                    encoding.popleft().result()
        finally:
            for one in encoding:
                one.result()
            parts.finish()


def _ahead(items: Iterator[T], pool: ThreadPoolExecutor) -> Iterator[T]:
    """The same, of which the next is made while somebody works on the one before."""
    coming: Future[T | None] = pool.submit(next, items, None)
    while (item := coming.result()) is not None:
        coming = pool.submit(next, items, None)
        yield item
