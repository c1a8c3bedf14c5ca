"""Animated layers: all frames and the playback range, timing, undo, cancel, and several layers at once."""

from PyQt5.QtCore import QByteArray

from impasto_proofs import prover
from impasto_proofs.prover import APP, SRGB, layers, names

WIDTH, HEIGHT = 96, 64
BOUNDS = (0, 0, WIDTH, HEIGHT)
#: Unevenly spaced, which a painting has to keep.
KEYS = (0, 3, 4, 9)


def disc(number):
    """A red disc on blue that moves to the right."""
    left = 20 + 14 * number
    rows = [
        b"".join(
            bytes((40, 60, 220, 255) if (x - left) ** 2 + (y - 32) ** 2 < 200 else (160, 90, 2 * y, 255))
            for x in range(WIDTH)
        )
        for y in range(HEIGHT)
    ]
    return b"".join(rows)


def animate(document, layer):
    """Key frames as a person makes them, by the actions of the timeline."""
    document.setActiveNode(layer)
    layer.enableAnimation()
    for number, time in enumerate(KEYS):
        document.setCurrentTime(time)
        document.waitForDone()
        yield 200
        APP.action("add_blank_frame").trigger()
        yield 200
        document.waitForDone()
        layer.setPixelData(QByteArray(disc(number)), *BOUNDS)
    document.refreshProjection()
    document.waitForDone()


def keys(layer):
    return [time for time in range(40) if layer.hasKeyframeAtTime(time)]


def seen(layer, times):
    """The pixels of a layer at some times; in a copy, since looking at another time is a step of undo."""
    scratch = APP.createDocument(WIDTH, HEIGHT, "look", "RGBA", "U8", SRGB, 72.0)
    copy = layer.duplicate()
    scratch.rootNode().addChildNode(copy, None)
    found = []
    for time in times:
        scratch.setCurrentTime(time)
        scratch.waitForDone()
        found.append(bytes(copy.pixelData(*BOUNDS)))
    yield 500  # Krita tells its widgets a little later
    scratch.setModified(False)
    scratch.close()
    return found


def choose_frames(panel, which):
    yield from prover.wait_for(panel.frames.isVisible, "the choice of frames")
    panel.frames.setFocus()
    yield from prover.key("Home")
    for _ in range(("one", "all", "range").index(which)):
        yield from prover.key("Down")
    assert panel.frames.currentData() == which, panel.frames.currentData()


def steps():
    one = yield from prover.open_docker()
    panel = one.panel
    one.settings.paint_on_click = False
    document = APP.createDocument(WIDTH, HEIGHT, "animation", "RGBA", "U8", SRGB, 72.0)
    APP.activeWindow().addView(document)
    APP.setActiveDocument(document)
    yield 800
    layer = layers(document)[0]
    name = layer.name()
    assert not panel.frames.isVisible(), "a layer without frames has no choice of them"
    yield from animate(document, layer)
    document.setCurrentTime(5)
    document.waitForDone()
    document.setActiveNode(layer)
    source = yield from seen(layer, KEYS)
    assert source == [disc(number) for number in range(len(KEYS))]

    # Krita has brought the timeline before it.
    one.setVisible(True)
    one.raise_()
    yield 300
    yield from prover.click_style("great-wave")
    yield from choose_frames(panel, "all")
    yield from prover.shot("animation-choice", one)
    said = []
    one.painter.progressed.connect(lambda fraction, doing: said.append((fraction, doing)))
    yield from prover.click(panel.paint)
    yield from prover.wait_for(lambda: any("frame 3 of 4" in doing for _, doing in said), "the third frame")
    assert names(document) == [name], "nothing half done is in the document"
    assert document.currentTime() == 5
    yield from prover.painted(2)
    one.own_thumbnails.stop()
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions), fractions
    title = panel.gallery.title("great-wave")
    assert names(document) == [name, title]
    painting = layers(document)[1]
    assert (painting.animated(), keys(painting)) == (True, list(KEYS)), "one key frame each where the source has one"
    assert document.currentTime() == 5, "the current time is as it was"
    assert document.activeNode() == layers(document)[0]
    prover.say(f"the docker says: {panel.message.text()}")
    frames = yield from seen(painting, KEYS)
    assert len(set(frames)) == len(KEYS), "each frame is painted"
    assert not set(frames) & set(source)
    held = yield from seen(painting, (2, 8, 30))
    assert held == [frames[0], frames[2], frames[3]], "each is held until the next"
    again = yield from seen(layer, KEYS)
    assert again == source, "the source is untouched"
    format_ = prover.description(WIDTH, HEIGHT)
    wanted = yield from prover.reference({"pixels": (format_, source[0])}, {"styles": [["great-wave", 1.0]]})
    far = max(abs(a - b) for a, b in zip(frames[0], wanted["pixels"][1], strict=True))
    prover.say(f"the first frame is at most {far} levels from a painting of it alone")

    kept = str(prover.FOLDER / "animation.kra")
    yield from prover.trigger("edit_undo")
    assert names(document) == [name], "one step of undo"
    yield from prover.trigger("edit_redo")
    assert names(document) == [name, title]
    again = yield from seen(layers(document)[1], KEYS)
    assert again == frames
    assert document.saveAs(kept)
    document.waitForDone()
    opened = APP.openDocument(kept)
    again = yield from seen(layers(opened)[1], KEYS)
    assert (again, keys(layers(opened)[1])) == (frames, list(KEYS)), "saved and opened again"
    opened.close()

    # The painting itself can be played, and painted again from its source, with the frames chosen.
    document.setActiveNode(layers(document)[1])
    yield 800
    panel.frames.setCurrentIndex(0)
    APP.action("impasto_krita_again").trigger()
    yield 200
    assert panel.choices().frames == "all", "again with changes brings the frames back"
    document.setActiveNode(layers(document)[0])
    yield from prover.trigger("edit_undo")

    # The range: the frame that is seen at its beginning counts, what lies beyond it stays empty.
    document.setFullClipRangeStartTime(5)
    document.setFullClipRangeEndTime(7)
    assert (document.playBackStartTime(), document.playBackEndTime()) == (5, 7)
    yield from choose_frames(panel, "range")
    yield from prover.click(panel.paint)
    yield from prover.painted(2)
    one.own_thumbnails.stop()
    empty = bytes(len(frames[0]))
    found = yield from seen(layers(document)[1], KEYS)
    kinds = ["empty" if one_ == empty else "source" if one_ in source else "painted" for one_ in found]
    assert kinds == ["empty", "empty", "painted", "empty"], kinds
    yield from prover.trigger("edit_undo")
    document.setFullClipRangeStartTime(0)
    document.setFullClipRangeEndTime(12)

    # Cancelled between frames, nothing is left.
    said.clear()
    yield from choose_frames(panel, "all")
    one.paint()
    yield from prover.wait_for(lambda: any("frame 2 of 4" in doing for _, doing in said), "the second frame")
    one.cancel()
    yield from prover.wait_for(lambda: "Cancelled" in panel.message.text(), "a sentence")
    assert not one.painter.busy
    assert names(document) == [name]
    yield from prover.wait_for(lambda: len(APP.documents()) == 1, "no document of ours is left")
    again = yield from seen(layer, KEYS)
    assert again == source

    # A mask of the layer counts, a selection limits all frames, in a group.
    document.setCurrentTime(0)
    document.waitForDone()
    from krita import Selection

    hiding = Selection()
    hiding.select(0, 0, WIDTH // 2, HEIGHT, 255)
    mask = document.createTransparencyMask("half")
    mask.setSelection(hiding)
    layer.addChildNode(mask, None)
    document.waitForDone()
    yield 700
    one.settings.result = "group"
    said.clear()
    one.paint()
    yield from prover.painted(2)
    one.own_thumbnails.stop()
    group = layers(document)[1]
    assert group.type() == "grouplayer", group.type()
    half = yield from seen(group.childNodes()[0], KEYS)
    for frame in half:
        assert frame[4 * (WIDTH - 5) + 3] == 0, "what the mask hides is not painted"
        assert frame[4 * 5 + 3] == 255
    assert keys(group.childNodes()[0]) == list(KEYS)
    assert not group.childNodes()[0].childNodes(), "the painting has no mask of its own"
    yield from prover.trigger("edit_undo")
    mask.remove()
    document.waitForDone()
    one.settings.result = "mask"
    chosen = Selection()
    chosen.select(10, 10, 40, 40, 255)
    document.setSelection(chosen)
    yield 800
    one.paint()
    yield from prover.painted(2)
    one.own_thumbnails.stop()
    shown = layers(document)[1]
    assert [child.type() for child in shown.childNodes()] == ["transparencymask"]
    part = yield from seen(shown, KEYS)
    assert len(set(part)) == len(KEYS)
    assert all(frame[4 * (WIDTH * 5 + 5) + 3] == 0 for frame in part), "nothing beside the selection"
    APP.action("deselect").trigger()
    yield 700
    layers(document)[1].remove()
    document.waitForDone()

    # Several layers: each gets its painting above it, the animated one with its frames.
    other = document.createNode("still", "paintlayer")
    other.setPixelData(QByteArray(disc(2)), *BOUNDS)
    document.rootNode().addChildNode(other, layers(document)[0])
    blank = document.createNode("blank", "paintlayer")
    document.rootNode().addChildNode(blank, layers(document)[1])
    document.waitForDone()
    document.setActiveNode(layers(document)[0])
    yield 700
    APP.action("select_all_layers").trigger()
    yield from prover.wait_for(lambda: panel.paint.text() == "Paint 3 layers", f"the button, {panel.paint.text()}")
    yield from prover.shot("several-layers", one)
    said.clear()
    yield from prover.click(panel.paint)
    yield from prover.painted(5)
    one.own_thumbnails.stop()
    prover.say(f"the docker says: {panel.message.text()}")
    assert names(document) == [name, title, "still", title, "blank"], names(document)
    assert keys(layers(document)[1]) == list(KEYS)
    assert not layers(document)[3].animated()
    assert "“blank” is empty" in panel.message.text()
    assert any("layer 1 of 2: frame 4 of 4" in doing for _, doing in said), said[-5:]
    yield from prover.shot("several-layers-painted")
    for _ in range(2):
        yield from prover.trigger("edit_undo")
    assert names(document) == [name, "still", "blank"], "one step of undo for each"

    # Quit in the middle of frames; that the status of Krita is 0 is the proof.
    document.setActiveNode(layers(document)[0])
    yield from prover.wait_for(lambda: panel.paint.text() == "Paint", "one layer is selected")
    said.clear()
    one.paint()
    yield from prover.wait_for(lambda: any("frame 2 of 4" in doing for _, doing in said), "the second frame")
    assert one.painter.busy
