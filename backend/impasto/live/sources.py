"""Where live pictures come from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol

import numpy as np

from impasto_link.errors import ImpastoError

#: Of a file that does not say how fast it is.
_USUAL_RATE = 25.0
#: The screen is looked at this often in a second, at most.
_SCREEN_RATE = 30.0


class Source(Protocol):
    """Gives one picture after the other."""

    def read(self) -> np.ndarray | None:
        """Wait for the next picture: (H, W, 3) uint8, sRGB; None if there will be no more."""

    def close(self) -> None:
        """Give the device back."""


class Camera:
    """A camera of this machine.

    Args:
        number: 0 is the first.

    Raises:
        ImpastoError: there is none of that number, or it is not to be had.
    """

    def __init__(self, number: int = 0) -> None:
        self._capture = _open_capture(number)
        # Old pictures are of no use.
        self._capture.set(_cv2().CAP_PROP_BUFFERSIZE, 1)
        if not self._capture.isOpened():
            raise ImpastoError(
                f"The camera {number} cannot be opened.",
                "Close other programs that use it, or name another: --camera 1.",
            )

    def read(self) -> np.ndarray | None:
        """See `Source`."""
        return _rgb(self._capture.read()[1])

    def close(self) -> None:
        """See `Source`."""
        self._capture.release()


class Clip:
    """A file as if it were a camera: as fast as it is meant to be seen, over and over.

    Args:
        path: the file.

    Raises:
        ImpastoError: it is no video that could be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise ImpastoError(f"There is no file {path}.")
        self._capture = _open_capture(str(path))
        if not self._capture.isOpened() or _rgb(self._capture.read()[1]) is None:
            raise ImpastoError(f"{path} is no video that can be read.")
        rate = self._capture.get(_cv2().CAP_PROP_FPS)
        self._every = 1 / (rate if 1 <= rate <= 240 else _USUAL_RATE)
        self._next = time.monotonic()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._capture.release()
        self._capture = _open_capture(str(self._path))

    def read(self) -> np.ndarray | None:
        """See `Source`."""
        picture = _rgb(self._capture.read()[1])
        if picture is None:
            self._begin_anew()
            picture = _rgb(self._capture.read()[1])
        now = time.monotonic()
        time.sleep(max(0.0, self._next - now))
        self._next = max(self._next, now) + self._every
        return picture

    def close(self) -> None:
        """See `Source`."""
        self._capture.release()


class Screen:
    """A part of the screen.

    Args:
        box: left, top, width and height in pixels; all of the first screen if not given.

    Raises:
        ImpastoError: the screen cannot be looked at, or there is nothing of it in the box.
    """

    def __init__(self, box: tuple[int, int, int, int] | None = None) -> None:
        try:
            import mss
            from mss.exception import ScreenShotError
        except ImportError as error:
            raise missing() from error
        try:
            self._looks = mss.MSS()
            whole = self._looks.monitors[1]
            self._box = whole if box is None else _within(box, self._looks.monitors[0])
            self._looks.grab(self._box)
        except ScreenShotError as error:
            raise ImpastoError(
                f"The screen cannot be looked at: {error}.", "On Wayland programs may not. Choose a camera or a file."
            ) from error
        self._looks.close()
        # One for each thread, so the one that reads makes its own.
        self._own: Any = None
        self._make = mss.MSS
        self._next = time.monotonic()

    def read(self) -> np.ndarray | None:
        """See `Source`."""
        if self._own is None:
            self._own = self._make()
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + 1 / _SCREEN_RATE
        seen = self._own.grab(self._box)
        return np.frombuffer(seen.rgb, np.uint8).reshape(seen.height, seen.width, 3)

    def close(self) -> None:
        """See `Source`."""
        if self._own is not None:
            self._own.close()


class Seen(NamedTuple):
    """A picture and when it was seen.

    Attributes:
        picture: (H, W, 3) uint8, sRGB.
        at: in seconds, on the monotonic clock.
    """

    picture: np.ndarray
    at: float


class Newest:
    """The newest picture of a source, which is read in a thread: who takes long misses some, and is never behind.

    Args:
        source: is closed at the end.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._changed = threading.Condition()
        self._seen: Seen | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True, name="source")
        self._thread.start()

    def __enter__(self) -> Newest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def take(self, is_over: Callable[[], bool] = lambda: False) -> Seen | None:
        """Wait for a picture that was not taken yet; None if there will be no more.

        Args:
            is_over: asked several times a second whether to go on waiting.
        """
        with self._changed:
            while self._seen is None and not self._ended and not is_over():
                self._changed.wait(0.1)
            seen, self._seen = self._seen, None
            return seen

    def close(self) -> None:
        """End the thread, and the source."""
        self._ended = True
        self._thread.join()

    def _read(self) -> None:
        try:
            while not self._ended:
                picture = self._source.read()
                if picture is None:
                    break
                with self._changed:
                    self._seen = Seen(picture, time.monotonic())
                    self._changed.notify()
        finally:
            self._source.close()
            with self._changed:
                self._ended = True
                self._changed.notify()


def _within(box: tuple[int, int, int, int], all_of_it: dict[str, int]) -> dict[str, int]:
    left, top, width, height = box
    right = min(left + width, all_of_it["left"] + all_of_it["width"])
    bottom = min(top + height, all_of_it["top"] + all_of_it["height"])
    left, top = max(left, all_of_it["left"]), max(top, all_of_it["top"])
    if right - left < 8 or bottom - top < 8:
        size = "{width} x {height}".format(**all_of_it)
        raise ImpastoError("There is nothing of the screen in that box.", f"The screen has {size} pixels.")
    return {"left": left, "top": top, "width": right - left, "height": bottom - top}


def _open_capture(what: int | str) -> Any:
    return _cv2().VideoCapture(what)


def _rgb(picture: np.ndarray | None) -> np.ndarray | None:
    return None if picture is None else np.ascontiguousarray(picture[..., ::-1])


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise missing() from error
    # It would write about each camera that is not there.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def missing() -> ImpastoError:
    """What is said where a package of the extra is not there."""
    return ImpastoError("Live pictures need packages that are not installed.", 'pip install "impasto[live]"')
