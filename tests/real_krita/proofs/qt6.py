"""The docker's widgets and its connection under PyQt6, the binding of Krita 6.

There is no Krita 6 in a distribution yet, so this is Python alone, and nothing of Krita is called.
"""

# QT=6

import json
import os
import sys
import time
import traceback
import types
from pathlib import Path

FOLDER = Path(os.environ["PROOF_FOLDER"])
PLUGIN = Path(os.environ["XDG_DATA_HOME"]) / "krita" / "pykrita" / "impasto_krita"

sys.modules["PyQt5"] = None  # as Krita 6 does
sys.modules["krita"] = types.ModuleType("krita")
for name in ("DockWidget", "Krita", "Selection"):
    setattr(sys.modules["krita"], name, object)
# Without the package's own beginning, which tells Krita of the docker.
sys.modules["impasto_krita"] = types.ModuleType("impasto_krita")
sys.modules["impasto_krita"].__path__ = [str(PLUGIN)]
sys.path.insert(0, str(PLUGIN / "vendor"))

from PyQt6.QtCore import Qt  # noqa: E402
from PyQt6.QtGui import QImage  # noqa: E402
from PyQt6.QtTest import QTest  # noqa: E402
from PyQt6.QtWidgets import QApplication  # noqa: E402

from impasto_editor import request  # noqa: E402
from impasto_editor.styles import read_library  # noqa: E402
from impasto_krita.connection import Connection  # noqa: E402
from impasto_krita.images import to_image, to_region  # noqa: E402
from impasto_krita.panel import Panel  # noqa: E402
from impasto_krita.settings import Settings  # noqa: E402
from impasto_krita.settings_dialog import SettingsDialog  # noqa: E402
from impasto_krita.status import describe  # noqa: E402
from impasto_link.options import StylizeOptions  # noqa: E402
from impasto_link.pixels import PixelFormat, Region  # noqa: E402


def tell(**entry):
    with (FOLDER / "log").open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never happened: {what}"
        QTest.qWait(20)


def ask(connection, op, fields=None, regions=None):
    """Send a call and wait for its end, while Qt's event loop runs."""
    call = connection.submit(op, fields, regions)
    wait_for(lambda: call.finished, op, 300)  # a picture of 4K, on whatever machine
    assert call.error is None, call.error
    return call.events[-1]


def steps():
    panel = Panel(96)
    panel.resize(330, 800)
    panel.show()
    connection = Connection(panel)
    connection.open(start=False)
    wait_for(lambda: connection.session.state == "ready", "the server is ready")
    panel.status.setText(describe(connection.session))
    panel.offer(connection.session.hello)
    panel.show_styles(read_library(ask(connection, "styles", {"thumbnails": True}).fields["styles"]), [])
    grid = panel.gallery.grid
    assert grid.count() > 10

    # A picture of 33 MB goes through the socket notifiers and comes back.
    photo = QImage(str(FOLDER / "4k.png"))
    painted = ask(connection, "stylize", StylizeOptions.of("udnie").to_wire(), {"pixels": to_region(photo)})
    assert painted.regions["pixels"].format.width == photo.width()

    reduced = photo.scaled(384, 216).convertToFormat(QImage.Format.Format_ARGB32)
    # As Krita has its pixels.
    small = Region(PixelFormat(384, 216, "BGRA"), reduced.constBits().asstring(4 * 384 * 216))
    QTest.mouseClick(
        grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.visualItemRect(panel.gallery._item("great-wave")).center()
    )
    assert panel.choices().style == "great-wave"

    # With Ctrl a click mixes, and a second one takes out again; nothing is clicked by that.
    clicks = []
    panel.gallery.clicked.connect(clicks.append)
    for mixed in (["great-wave", "the-scream"], ["great-wave"]):
        at = grid.visualItemRect(panel.gallery._item("the-scream")).center()
        QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at)
        assert [style.name for style in panel.choices().styles] == mixed
        assert sorted(item.data(Qt.ItemDataRole.UserRole) for item in grid.selectedItems()) == mixed
        assert panel.mixture.isVisible() == (len(mixed) > 1)
        QTest.qWait(100)
    assert clicks == []
    panel.area.setCurrentIndex(panel.area.findData("subject"))
    panel.row("strength").set(0.8)
    panel.row("keep_colors").box.click()
    choices = panel.choices()
    assert (choices.area, choices["strength"], choices["keep_colors"]) == ("subject", 0.8, True), choices
    options, sent = request.painting(choices, {"pixels": small}, lambda key: (key, small), max_side=384)
    shown = ask(connection, "preview", options.to_wire(), sent)
    region = shown.regions["pixels"]
    mask = shown.regions.get("mask")
    panel.comparison.show_images(photo, to_image(region), mask and to_image(mask))
    panel.show_progress(0.4, "painting")
    panel.show_message("Qt 6")
    QTest.qWait(300)
    screenshots = FOLDER.parent / "screenshots"
    screenshots.mkdir(exist_ok=True)
    assert panel.grab().save(str(screenshots / "qt6.png"))

    settings = Settings()
    dialog = SettingsDialog(settings, panel)
    dialog.show()
    dialog.exit_after.setValue(7)
    QTest.qWait(200)
    assert dialog.grab().save(str(screenshots / "qt6-settings.png"))
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    wait_for(lambda: not dialog.isVisible(), "the dialog is closed")
    assert settings.exit_after == 7
    connection.close()


application = QApplication(sys.argv)
try:
    steps()
    tell(say="passed")
except BaseException:
    tell(failed=traceback.format_exc())
    sys.exit(1)
