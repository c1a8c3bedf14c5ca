"""Pictures as styles: from a file, from another layer, from the clipboard, for the background; and what goes wrong."""

import time

from krita import Krita
from PyQt5.QtCore import QMimeData, QPoint, Qt, QUrl
from PyQt5.QtGui import QColor, QColorSpace, QDragEnterEvent, QDropEvent, QImage, QPainter
from PyQt5.QtWidgets import QApplication, QFileDialog, QMenu

from impasto_krita import host
from impasto_krita.images import to_image, to_region
from impasto_krita.pictures import read_file
from impasto_krita.settings import Settings
from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, names, pixels

SIZE = 192
BOUNDS = (0, 0, SIZE, SIZE)


def stripes(first, second):
    """A picture of two colours, bent stripes."""
    image = QImage(320, 240, QImage.Format_ARGB32)
    image.fill(QColor(first))
    painter = QPainter(image)
    painter.setPen(QColor(second))
    pen = painter.pen()
    pen.setWidth(9)
    painter.setPen(pen)
    for at in range(-240, 320, 24):
        painter.drawArc(at, 10, 160, 220, 0, 16 * 200)
    painter.end()
    return image


def warmth(layer):
    """How much more red than blue there is, on the average."""
    data = pixels(layer, BOUNDS)
    return (sum(data[2::4]) - sum(data[0::4])) / (SIZE * SIZE)


def files_of_all_kinds():
    """What is read of files and layers: size and colours."""
    orange = QImage(6000, 90, QImage.Format_ARGB32)
    orange.fill(QColor(200, 120, 40))

    def read(image, name, quality=-1):
        path = prover.FOLDER / name
        assert image.save(str(path), None, quality), name
        begin = time.monotonic()
        found = read_file(str(path))
        assert max(found.width(), found.height()) <= 2048
        path.unlink()
        color = found.pixelColor(found.width() // 2, found.height() // 2)
        return [color.red(), color.green(), color.blue()], round(1000 * (time.monotonic() - begin))

    assert read(orange, "long.png")[0] == [200, 120, 40]
    indexed = read(orange.convertToFormat(QImage.Format_Indexed8), "indexed.png")[0]
    assert all(abs(a - b) < 40 for a, b in zip(indexed, [200, 120, 40], strict=True)), "but for Qt's palette"
    assert read(orange.convertToFormat(QImage.Format_RGBA64), "deep.png")[0] == [200, 120, 40]
    gray = read(orange.convertToFormat(QImage.Format_Grayscale8), "gray.png")[0]
    assert gray[0] == gray[1] == gray[2]
    adobe = orange.copy()
    adobe.setColorSpace(QColorSpace(QColorSpace.AdobeRgb))
    red, *_ = read(adobe, "adobe.png")[0]
    assert red > 210, "the profile of a file counts"
    large = QImage(str(prover.FOLDER / "4k.png"))
    for name in ("large.png", "large.jpg"):
        prover.say(f"{name}, 3840 x 2160, is read in {read(large, name, 90)[1]} ms")


def choose(menu, *keys):
    """Open the menu with the mouse, or with the keyboard if a key "space" comes first, and go through it."""
    if keys[0] == "space":
        menu.setFocus(Qt.TabFocusReason)
    else:
        yield from prover.click(menu)
    yield 300
    for one in keys:
        yield from prover.key(one)
        yield 200


def steps():
    one = yield from prover.open_docker()
    panel, gallery, pictures = one.panel, one.panel.gallery, one.styles.pictures
    for picture in pictures.all():
        one.styles.remove(picture.key)
    document = yield from prover.open_part("pictures", 140, 40, SIZE)
    source = layers(document)[0]

    files_of_all_kinds()

    # From a file, through the menu and the file dialog.
    warm = prover.FOLDER / "Sunset sky.png"
    image = stripes("#c02010", "#ffb030")
    assert image.save(str(warm))
    yield from choose(gallery.menu, "Down", "Return")
    yield from prover.wait_for(lambda: panel.findChild(QFileDialog) is not None, "the file dialog")
    yield from prover.shot("picture-dialog")
    yield from prover.ask("type", words=str(warm))
    yield from prover.key("Return")
    key = f"file:{warm}"
    yield from prover.wait_for(lambda: gallery.current == key, "the picture is chosen")
    assert gallery.title(key) == "Sunset sky"
    yield from prover.wait_for(lambda: not one.preview.busy, "the preview")
    assert not panel.comparison._after.isNull(), panel.comparison._words
    sent = to_region(image)
    wanted = yield from prover.reference(
        {
            "pixels": (prover.description(SIZE, SIZE), pixels(source, BOUNDS)),
            "style:it": (prover.description(320, 240, "RGBA"), bytes(sent.data)),
        },
        {"styles": [["it", 1.0]]},
    )
    yield from prover.click_style(key)
    yield from prover.painted(2)
    assert names(document)[1] == "Sunset sky", names(document)
    assert pixels(layers(document)[1], BOUNDS) == wanted["pixels"][1], "what a direct request gives"
    warm_one = warmth(layers(document)[1])
    yield from prover.shot("picture-from-file")

    # From another layer, a hidden one: the docker reads it, and nothing is changed.
    ocean = document.createNode("Ocean", "paintlayer")
    blue = stripes("#103070", "#60c0f0").scaled(SIZE, SIZE)
    ocean.setPixelData(bytes(blue.constBits().asstring(4 * SIZE * SIZE)), *BOUNDS)
    ocean.setVisible(False)
    document.rootNode().addChildNode(ocean, None)
    document.waitForDone()
    yield 300
    document.setActiveNode(source)
    yield 700
    yield from choose(gallery.menu, "Down", "Down", "Right")
    yield from prover.shot("picture-menu")
    yield from prover.key("Return")
    ocean_key = f"layer:{ocean.uniqueId().toString()}"
    yield from prover.wait_for(lambda: gallery.current == ocean_key, "the layer is chosen")
    yield from prover.click(panel.paint)
    yield from prover.painted(4)
    cold = next(layer for layer in layers(document)[1:3] if layer.name() == "Ocean")
    prover.say(f"red minus blue: {warmth(source):.0f} before, {warm_one:.0f} and {warmth(cold):.0f} after")
    assert warm_one > warmth(cold) + 10, "the colours are the pictures' colours"

    # A layer of another depth in a hidden group, and the group itself.
    group = document.createGroupLayer("Group")
    group.addChildNode(ocean.duplicate(), None)
    group.childNodes()[0].setVisible(True)
    deep = Krita.instance().createDocument(SIZE, SIZE, "deep", "RGBA", "F32", prover.LINEAR, 300.0)
    copy = group.duplicate()
    deep.rootNode().addChildNode(copy, None)
    deep.setColorSpace("RGBA", "F32", prover.LINEAR)
    deep.refreshProjection()
    deep.waitForDone()
    APP.activeWindow().addView(deep)
    APP.setActiveDocument(deep)
    yield 500
    for visible in (True, False):
        copy.setVisible(visible)
        yield 300
        for node in (copy, copy.childNodes()[0]):
            name, region = host.read_picture(node.uniqueId().toString())
            got = bytes(to_region(to_image(region)).data)
            off = max(abs(a - b) for a, b in zip(got, bytes(to_region(blue).data), strict=True))
            assert off <= 2, (name, visible, off)
    deep.setModified(False)
    deep.close()
    APP.setActiveDocument(document)
    document.setActiveNode(source)
    yield 800

    # From the clipboard, and twice the same is one style.
    QApplication.clipboard().setImage(stripes("#205020", "#d0ff80"))
    for _ in range(2):
        yield from choose(gallery.menu, "Down", "Down", "Down", "Return")
        yield from prover.wait_for(lambda: gallery.current.startswith("clipboard:"), "the clipboard is chosen")
    clipboard_key = gallery.current
    assert len(pictures.all()) == 3, [picture.key for picture in pictures.all()]
    yield from prover.wait_for(lambda: not one.preview.busy, "the preview")
    yield from prover.click(panel.paint)
    yield from prover.painted(5)
    yield from prover.shot("picture-from-clipboard", panel)
    QApplication.clipboard().setText("words")
    yield from choose(gallery.menu, "space", "Down", "Down", "Down", "Return")
    yield from prover.wait_for(lambda: "no picture in the clipboard" in panel.message.text(), "a sentence")
    prover.say(panel.message.text())

    # For the background, where this server finds subjects.
    if panel.area.findData("subject") >= 0:
        panel.background.setCurrentIndex(panel.background.findData(key))
        gallery.choose("udnie")
        yield 200
        yield from prover.click(panel.paint)
        yield from prover.painted(6)
        assert gallery.title("udnie") + " + Sunset sky" in names(document), names(document)
        yield from prover.trigger("edit_undo")
        panel.background.setCurrentIndex(0)

    # Dropped onto the gallery. The mouse of another program is not at hand, its events are.
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(prover.FOLDER / "Coffee.jpg"))])
    view, place = gallery.grid.viewport(), QPoint(40, 40)
    buttons = (Qt.LeftButton, Qt.NoModifier)
    for event in (
        QDragEnterEvent(place, Qt.CopyAction, data, *buttons),
        QDropEvent(place, Qt.CopyAction, data, *buttons),
    ):
        QApplication.sendEvent(view, event)
        assert event.isAccepted(), event
    yield from prover.wait_for(lambda: gallery.title(gallery.current) == "Coffee", "what was dropped is chosen")
    assert Settings.load(host.read_setting).pictures == [str(warm), str(prover.FOLDER / "Coffee.jpg")], (
        "for the next session"
    )
    one.styles.remove(gallery.current)

    # Removed by the Delete key; again with changes has no clipboard to go back to, but reads the file again.
    gallery.choose(clipboard_key)
    gallery.grid.setFocus(Qt.OtherFocusReason)
    yield from prover.key("Delete")
    yield from prover.wait_for(lambda: len(pictures.all()) == 2, "one less")
    one.styles.remove(key)
    assert gallery._item(key) is None
    assert panel.background.findData(key) < 0
    document.setActiveNode(next(layer for layer in layers(document) if layer.name() == "Clipboard"))
    yield from prover.wait_for(lambda: panel.again.isEnabled(), "the parameters are there")
    yield 700
    yield from prover.click(panel.again)
    yield from prover.wait_for(lambda: "from the clipboard" in panel.message.text(), "a sentence")
    prover.say(panel.message.text())
    document.setActiveNode(next(layer for layer in layers(document) if layer.name() == "Sunset sky"))
    yield 700
    yield from prover.click(panel.again)
    yield from prover.wait_for(lambda: gallery.current == key, "the file is a style again")

    # A file that is gone.
    warm.unlink()
    yield from prover.click(panel.paint)
    yield from prover.wait_for(lambda: "is not there any more" in panel.message.text(), "a sentence")
    prover.say(panel.message.text())
    one.styles.pictures.remove(key)
    one.settings.pictures = [str(warm), str(prover.FOLDER / "Coffee.jpg")]
    one.styles.remember()
    yield from prover.wait_for(lambda: gallery._item(key) is not None, "remembered")
    coffee = f"file:{prover.FOLDER / 'Coffee.jpg'}"
    yield from prover.wait_for(lambda: not pictures._pictures[coffee].small.isNull(), "the file that is there is read")
    assert "is not there" in gallery._item(key).toolTip()
    gallery.choose(key)
    yield from prover.wait_for(lambda: "is not there any more" in panel.comparison._words, "words for a preview")
    yield from prover.shot("picture-missing", panel)
    for picture in pictures.all():
        one.styles.remove(picture.key)
    assert one.settings.pictures == []
    assert not any(menu.isVisible() for menu in panel.findChildren(QMenu))
