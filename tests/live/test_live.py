"""Live pictures without their window: what is read, what is painted of it, and what is said where that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from impasto.cli import main
from impasto.live.painter import LivePainter, Look, Painted
from impasto.live.sources import Camera, Clip, Newest
from impasto_link.errors import ImpastoError
from support import RunningServer

#: A limit for what hangs, in seconds.
LONG = 120


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames of 96 x 64: red, green and blue."""
    path = tmp_path_factory.mktemp("clips") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 200, (96, 64))
    for channel in (2, 1, 0):
        frame = np.zeros((64, 96, 3), np.uint8)
        frame[..., channel] = 250
        writer.write(frame)
    writer.release()
    return path


class Row:
    """A source of some pictures, the next one when it is asked for."""

    def __init__(self, *pictures: np.ndarray) -> None:
        self._pictures = list(pictures)
        self.next, self.closed = threading.Semaphore(1), False

    def read(self) -> np.ndarray | None:
        assert self.next.acquire(timeout=LONG)
        return self._pictures.pop(0) if self._pictures else None

    def close(self) -> None:
        self.closed = True


def test_a_clip_is_read_in_rgb_over_and_over(clip: Path) -> None:
    source = Clip(clip)
    seen = [source.read() for _ in range(5)]
    source.close()
    assert all(picture is not None and picture.shape == (64, 96, 3) for picture in seen)
    assert [int(picture.mean((0, 1)).argmax()) for picture in seen if picture is not None] == [0, 1, 2, 0, 1]


def test_what_cannot_be_a_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="There is no file"):
        Clip(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ImpastoError, match="no video that can be read"):
        Clip(tmp_path / "text.mp4")
    with pytest.raises(ImpastoError, match="camera 93 cannot be opened"):
        Camera(93)


def test_of_a_source_that_is_faster_the_newest_picture_counts() -> None:
    source = Row(*(np.full((8, 8, 3), value, np.uint8) for value in range(4)))
    with Newest(source) as pictures:
        first = pictures.take()
        assert first is not None
        assert first.picture[0, 0, 0] == 0
        for _ in range(4):
            source.next.release()
        # The end has come, and of the three before it the last is still there.
        while not source.closed:
            pictures._thread.join(0.01)
        last = pictures.take()
        assert last is not None
        assert last.picture[0, 0, 0] == 3
        assert last.at >= first.at
        assert pictures.take() is None


def test_it_is_painted_as_is_wanted_then_and_goes_on_after_what_cannot_be(
    running_server: RunningServer,
) -> None:
    photo = np.random.default_rng(0).integers(0, 255, (48, 96, 3), np.uint8)
    source = Row(*[photo] * 20)
    shown: list[Painted] = []
    told: list[str] = []
    heard = threading.Condition()

    def hear(into: list[Any], one: Any) -> None:
        with heard:
            into.append(one)
            heard.notify()
        source.next.release()

    def wait(until: Callable[[], bool]) -> None:
        with heard:
            assert heard.wait_for(until, LONG)

    with Newest(source) as pictures:
        painter = LivePainter(
            pictures, Look("udnie", side=64), lambda one: hear(shown, one), lambda one: hear(told, one)
        )
        for _ in range(2):
            source.next.release()
        painter.start()
        wait(lambda: len(shown) >= 2)
        assert shown[0].painting.shape == shown[0].photo.shape == (32, 64, 3)
        assert np.abs(shown[0].painting.astype(int) - shown[0].photo).mean() > 10
        assert shown[-1].rate > 0
        # A style that is none is said, and it goes on with the next one.
        painter.look = Look("no-such-style", side=64)
        wait(lambda: any("no-such-style" in one for one in told))
        before = len(shown)
        painter.look = Look("udnie", strength=0.0, side=64, mirrored=True)
        source.next.release()
        wait(lambda: len(shown) > before)
        np.testing.assert_array_equal(shown[-1].painting, shown[-1].photo)
        assert told[-1] == ""
        painter.stop()
        source.next.release(20)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--style", "no-such-style"], "There is no style no-such-style in the library"),
        (["--style", "udnie", "--style", "udnie", "--style", "udnie"], "two styles at most"),
        (["--style", "udnie:0"], "weight 0"),
        (["--size", "3"], "between 16 and 8192"),
        (["--screen", "all"], "is no box of the screen"),
    ],
)
def test_words_that_mean_nothing_are_said(
    running_server: RunningServer, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", *words]) == 1
    assert said in capsys.readouterr().err
