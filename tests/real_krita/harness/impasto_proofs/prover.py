"""What a script in Krita has: steps in the event loop, the user's hands, the docker, pictures.

A script has a generator function ``steps``. Between its steps Krita lives on; it yields milliseconds to wait.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from krita import Krita
from PyQt5.QtCore import QByteArray, QPoint, QTimer

APP = Krita.instance()
FOLDER = Path(os.environ.get("PROOF_FOLDER", "."))
SRGB, LINEAR = "sRGB-elle-V2-srgbtrc.icc", "sRGB-elle-V2-g10.icc"
#: Pixels of the screen for one of Qt's, in each direction.
SCALE = int(os.environ.get("QT_SCALE_FACTOR", "1"))
_asked = 0


def tell(**entry):
    with (FOLDER / "log").open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def say(words):
    tell(say=words)


def ask(what, **fields):
    """Ask the runner for something and wait for its answer."""
    global _asked
    _asked += 1
    answer = FOLDER / f"answer-{_asked}"
    tell(ask=what, number=_asked, **fields)
    yield from wait_for(answer.exists, f"the answer to {what}", 120)
    return json.loads(answer.read_text(encoding="utf-8"))


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"never happened: {what}; the docker says {words()!r}")
        yield 20


def click(widget, at=None, button=1):
    """A real click of the mouse, into the middle of a widget or at a point of it."""
    assert widget.isVisible(), f"{widget} cannot be clicked, it is hidden"

    def place():
        return widget.mapToGlobal(at or QPoint(widget.width() // 2, widget.height() // 2))

    # Where words have come or gone, the widgets below move a moment later, and a click would miss them.
    before = None
    while before != (now := place()):
        before = now
        yield 80
    now *= SCALE
    yield from ask("click", x=now.x(), y=now.y(), button=button)
    yield 150


def key(keys):
    yield from ask("key", keys=keys)
    yield 100


def shot(name, widget=None):
    """A screenshot of the whole screen, or cut to a widget."""
    area = None
    if widget is not None:
        corner = widget.mapToGlobal(QPoint(0, 0))
        area = [length * SCALE for length in (corner.x(), corner.y(), widget.width(), widget.height())]
    yield 200
    yield from ask("shot", name=name, area=area)


# --- the docker


def docker():
    found = [one for one in APP.dockers() if one.objectName() == "impasto_krita"]
    assert found, "there is no docker of Impasto"
    return found[0]


def words():
    try:
        panel = docker().panel
        return f"{panel.message.text()} | {panel.status.text()}"
    except Exception as error:
        return repr(error)


def open_docker():
    """Have the docker visible and the server ready, with its styles."""
    one = docker()
    one.setVisible(True)
    one.raise_()
    yield from wait_for(lambda: one.connection.session.state == "ready", "the server is ready", 90)
    yield from wait_for(lambda: one.panel.gallery.grid.count() > 0, "the gallery is filled")
    yield from wait_for(
        lambda: all(w["state"] != "starting" for w in one.connection.session.hello["workers"]),
        "the worker is there",
        90,
    )
    yield 300
    return one


def style_point(name):
    """Where the picture of a style is, in the gallery's viewport."""
    gallery = docker().panel.gallery
    item = gallery._item(name)
    gallery.grid.scrollToItem(item)
    return gallery.grid.visualItemRect(item).center()


def click_style(name):
    style_point(name)
    yield 50
    yield from click(docker().panel.gallery.grid.viewport(), style_point(name))


def painted(count, seconds=120):
    """Wait until no painting is under way and the document has so many layers."""
    one = docker()
    document = APP.activeDocument()

    def done():
        return not one.painter.busy and len(layers(document)) == count

    yield from wait_for(done, f"{count} layers, there are {names(document)}", seconds)
    yield 100


# --- documents


def open_file(name):
    document = APP.openDocument(str(FOLDER / name))
    APP.activeWindow().addView(document)
    APP.setActiveDocument(document)
    yield from wait_for(lambda: APP.activeDocument() is not None and APP.activeDocument() == document, "the document")
    document.waitForDone()
    yield 300
    return document


def open_part(name, x, y, size, space=None):
    """A document with a square part of the photo as its active layer; ``space`` is a model, a depth and a profile."""
    photo = APP.openDocument(str(FOLDER / "small.png"))
    part = photo.rootNode().childNodes()[0].pixelData(x, y, size, size)
    photo.close()
    document = APP.createDocument(size, size, name, "RGBA", "U8", SRGB, 300.0)
    document.rootNode().childNodes()[0].setPixelData(part, 0, 0, size, size)
    if space is None:
        document.refreshProjection()
    else:
        assert document.setColorSpace(*space), space
        document.waitForDone()
    APP.activeWindow().addView(document)
    APP.setActiveDocument(document)
    yield 800
    document.setActiveNode(layers(document)[0])
    return document


def layers(document):
    """Top level layers, without the global selection, which Krita keeps among them."""
    return [node for node in document.rootNode().childNodes() if node.type() != "selectionmask"]


def names(document):
    return [node.name() for node in layers(document)]


def pixels(node, bounds):
    return bytes(node.pixelData(*bounds))


def fill(node, pixel, x, y, width, height):
    node.setPixelData(QByteArray(bytes(pixel) * (width * height)), x, y, width, height)


def trigger(action):
    """An entry of the menu; then Krita has time to do it."""
    APP.action(action).trigger()
    yield 100
    APP.activeDocument().waitForDone()
    yield 100


def reference(regions, options, op="stylize"):
    """What the server answers to a direct request: {role: (format, bytes)}; regions are {role: (format, bytes)}."""
    sent = {}
    for role, (description, data) in regions.items():
        path = FOLDER / f"sent-{role}"
        path.write_bytes(data)
        sent[role] = {"format": description, "path": str(path)}
    answer = yield from ask("request", op=op, options=options, regions=sent)
    return {role: (one["format"], Path(one["path"]).read_bytes()) for role, one in answer.items()}


def description(width, height, channels="BGRA", dtype="u8", encoding="srgb"):
    return {"width": width, "height": height, "channels": channels, "dtype": dtype, "encoding": encoding}


# --- running


def quit_cleanly():
    """As a user quits; without setModified(False) Krita would ask."""
    for document in APP.documents():
        document.setModified(False)
    APP.action("file_quit").trigger()


def fail(words):
    tell(failed=words)
    os._exit(3)


def run():
    script = os.environ.pop("PROOF", None)
    if script is None:
        return
    space = {}
    pending = None
    # Krita's own hook shows a dialog, which would hang the proof.
    sys.excepthook = lambda *error: fail("".join(traceback.format_exception(*error)))
    APP.activeWindow().qwindow().showMaximized()

    def advance():
        nonlocal pending
        try:
            if pending is None:
                exec(compile(Path(script).read_text(encoding="utf-8"), script, "exec"), space)
                pending = space["steps"]()
            pause = next(pending)
        except StopIteration:
            say("passed")
            QTimer.singleShot(0, quit_cleanly)
        except BaseException:
            fail(traceback.format_exc())
        else:
            QTimer.singleShot(100 if pause is None else pause, advance)

    QTimer.singleShot(500, advance)
