"""The window of `impasto live` on a real X server: Xvfb. Screenshots come into LIVE_OUTPUT."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import mss
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from skimage import data

from impasto.live.painter import Look
from impasto.live.sources import Clip, Newest, Screen
from impasto.live.window import LiveWindow
from impasto_link.errors import ImpastoError
from support import RunningServer

LONG = 120
OUTPUT = Path(os.environ.get("LIVE_OUTPUT", "build/live"))


@pytest.fixture(scope="module", autouse=True)
def display() -> Iterator[None]:
    """A screen of 1280 x 900."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with open(reading) as said:
            os.environ["DISPLAY"] = f":{said.readline().strip()}"
        os.environ.pop("WAYLAND_DISPLAY", None)
        yield
        server.terminate()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody who moves to the left, 320 x 240."""
    path = tmp_path_factory.mktemp("clips") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (320, 240))
    for step in range(0, 192, 3):
        writer.write(np.ascontiguousarray(data.astronaut()[:240, step : step + 320, ::-1]))
    writer.release()
    return path


@pytest.fixture(scope="module")
def application() -> QApplication:
    return QApplication([])


def wait(until: Callable[[], Any]) -> None:
    """Let the window live until something is so."""
    deadline = time.monotonic() + LONG
    while not until():
        assert time.monotonic() < deadline
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()


@pytest.fixture
def window(
    application: QApplication, running_server: RunningServer, clip: Path, tmp_path: Path
) -> Iterator[LiveWindow]:
    with running_server.connect() as server:
        styles = server.styles(thumbnails=True)
    with Newest(Clip(clip)) as pictures:
        window = LiveWindow(pictures, Look("starry-night"), styles, clip.name, tmp_path / "saved")
        window.show()
        wait(lambda: window._last)
        yield window
        window.close()


def shot(window: LiveWindow, name: str) -> None:
    assert window.grab().save(str(OUTPUT / f"{name}.png"))


def after_next(window: LiveWindow, until: Callable[[], Any] = lambda: True) -> None:
    """Wait for a painting of what has just been chosen; two are under way."""
    for _ in range(3):
        seen, window._last = window._last, None
        wait(lambda: window._last)
        assert window._last is not seen
    wait(until)


def test_keys_and_sliders_change_what_is_painted_while_it_runs(window: LiveWindow) -> None:
    after_next(window)
    assert window._last is not None
    assert window._last.painting.shape == (240, 320, 3)
    assert "The Starry Night, 320 x 240" in window._facts.text()
    shot(window, "first")
    QTest.keyClick(window, Qt.Key.Key_Right)
    assert window.painter.look.style == window.gallery.currentItem().data(Qt.ItemDataRole.UserRole) != "starry-night"
    window.strength.setValue(0)
    after_next(window, lambda: (last := window._last) and np.array_equal(last.painting, last.photo))
    for _ in range(20):
        QTest.keyClick(window, Qt.Key.Key_Up)
    assert window.painter.look.strength == 1
    window.second.setCurrentIndex(window.second.findData("udnie"))
    window.mix.setValue(50)
    QTest.keyClicks(window, "]")
    assert (window.painter.look.second, window.painter.look.mix) == ("udnie", 0.55)
    QTest.keyClicks(window, "+c")
    after_next(window, lambda: window.canvas._image.width() == 640)
    assert window.painter.look.side == 480
    shot(window, "beside")


def test_held_still_it_stays_and_what_is_saved_is_what_is_seen(window: LiveWindow) -> None:
    QTest.keyClicks(window, " ")
    last = window._last
    path = window.save()
    assert path is not None
    assert path != window.save()
    assert len(list(path.parent.iterdir())) == 2
    assert last is not None
    np.testing.assert_array_equal(np.asarray(Image.open(path)), last.painting)
    QTest.keyClicks(window, " ")
    after_next(window)
    window._folder = path  # which is a file
    assert window.save() is None
    assert "could not be saved" in window._trouble.text()


def test_a_style_that_is_gone_is_said_and_the_next_one_is_painted_by_the_large_network(window: LiveWindow) -> None:
    window.gallery.currentItem().setData(Qt.ItemDataRole.UserRole, "lost")
    window._want()
    wait(lambda: "lost" in window._trouble.text())
    QTest.keyClick(window, Qt.Key.Key_Right)
    QTest.keyClicks(window, "q")
    after_next(window)
    assert window.painter.look.engine == "fixed"
    assert window._trouble.text() == ""


def test_the_screen_is_a_source() -> None:
    with Newest(Screen((100, 50, 64, 48))) as pictures:
        seen = pictures.take()
    assert seen is not None
    assert seen.picture.shape == (48, 64, 3)
    with pytest.raises(ImpastoError, match="nothing of the screen"):
        Screen((5000, 0, 64, 48))


def test_the_command_shows_a_file_and_ends_when_it_is_asked_to(running_server: RunningServer, clip: Path) -> None:
    command = [sys.executable, "-m", "impasto", "live", "--file", str(clip), "--style", "the-scream"]
    environment = {**os.environ, "IMPASTO_RUNTIME_DIR": str(running_server.folder / "runtime")}
    with subprocess.Popen(command, env=environment) as process, mss.MSS() as screen:

        def seen() -> np.ndarray:
            grabbed = screen.grab(screen.monitors[1])
            return np.frombuffer(grabbed.rgb, np.uint8).reshape(grabbed.height, grabbed.width, 3)

        deadline = time.monotonic() + LONG
        # Its canvas is dark until there is a painting.
        while seen()[200:400, 200:400].std() < 20:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        Image.fromarray(seen()).save(OUTPUT / "command.png")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG) == 0


def test_without_a_display_it_says_so(running_server: RunningServer, clip: Path) -> None:
    command = [sys.executable, "-m", "impasto", "live", "--file", str(clip)]
    environment = {**os.environ, "IMPASTO_RUNTIME_DIR": str(running_server.folder / "runtime")}
    for name, value, said in (("DISPLAY", "", "no display"), ("DISPLAY", ":93", "Qt cannot open a window")):
        done = subprocess.run(command, env={**environment, name: value}, capture_output=True, text=True)
        assert done.returncode == 1
        assert said in done.stderr
