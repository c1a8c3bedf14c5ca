"""Refine: pictures of how far it is, one layer in one step of undo, "Keep this", cancel, and by example picture."""

import itertools
import time

from PyQt5.QtCore import Qt, QTimer

from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, names, pixels

SIZE = 144
BOUNDS = (0, 0, SIZE, SIZE)
#: The goal is 0.05 s on a quiet machine; this is what a person would call frozen.
FROZEN = 0.5


def choose(panel, preset):
    """A click on Refine, then the keyboard."""
    yield from prover.click(panel.refining)
    yield 300
    for _ in range(1 + ("draft", "normal", "fine").index(preset)):
        yield from prover.key("Down")
    if preset == "draft":
        yield from prover.shot("refine-menu")
    yield from prover.key("Return")


def steps():
    one = yield from prover.open_docker()
    panel = one.panel
    document = yield from prover.open_part("refine", 150, 50, SIZE)
    source = layers(document)[0]
    name, before = source.name(), pixels(source, BOUNDS)
    one.settings.result = "mask"
    yield from prover.click_style("great-wave")
    yield from prover.painted(2)
    plain = pixels(layers(document)[1], BOUNDS)
    yield from prover.trigger("edit_undo")
    one.own_thumbnails.stop()

    shown = []
    one.painter.shown.connect(lambda before, so_far: shown.append(so_far))
    said, beats = [], []
    one.painter.progressed.connect(lambda fraction, doing: said.append(doing))
    heart = QTimer()
    heart.setTimerType(Qt.PreciseTimer)
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))

    # A draft to its end.
    started = time.monotonic()
    yield from choose(panel, "draft")
    yield from prover.wait_for(lambda: panel.keep.isVisible(), "a picture of how far it is", 120)
    assert not panel.comparison._after.isNull()
    assert panel.cancel.isVisible()
    yield from prover.shot("refining", panel)
    heart.start(4)
    yield from prover.wait_for(lambda: not one.painter.busy or one.painter.job.call.finished, "the end", 140)
    heart.stop()
    gaps = sorted(end - begin for begin, end in itertools.pairwise(beats))
    prover.say(f"the longest gap of the event loop with pictures coming in: {1000 * gaps[-1]:.0f} ms")
    assert gaps[-1] < FROZEN
    yield from prover.painted(2, seconds=20)
    prover.say(f"a draft of {SIZE} x {SIZE}: {time.monotonic() - started:.0f} s, {len(shown)} pictures on the way")
    prover.say(f"the docker says: {panel.message.text()}")
    assert any("refining, loss" in doing for doing in said), said[-3:]
    assert "Impasto's compact encoder" in panel.message.text(), "what served in place of VGG-19 is said"
    title = panel.gallery.title("great-wave")
    assert names(document) == [name, title]
    assert pixels(layers(document)[1], BOUNDS) != plain, "it is not what one pass gives"
    assert pixels(source, BOUNDS) == before, "the source is untouched"
    assert not panel.keep.isVisible()
    assert panel.refining.isVisible()
    one.own_thumbnails.stop()
    yield from prover.trigger("edit_undo")
    assert names(document) == [name], "one step of undo"

    # Like a picture, and "Keep this".
    for picture in one.styles.pictures.all():
        one.styles.remove(picture.key)
    one.styles.add_files([str(prover.FOLDER / "Coffee.jpg")])
    assert panel.gallery.current.endswith("Coffee.jpg")
    yield from prover.wait_for(lambda: not one.preview.busy, "the preview")
    count = len(shown)
    yield from choose(panel, "fine")
    yield from prover.wait_for(lambda: len(shown) > count and panel.keep.isVisible(), "the next picture", 120)
    kept_at = time.monotonic()
    yield from prover.click(panel.keep)
    yield from prover.painted(2, seconds=60)
    prover.say(f"kept {time.monotonic() - kept_at:.1f} s after the click")
    assert names(document) == [name, "Coffee"]
    assert pixels(layers(document)[1], BOUNDS) != pixels(source, BOUNDS)
    one.own_thumbnails.stop()
    yield from prover.trigger("edit_undo")
    assert one.settings.refine == "fine", "the preset is remembered, for the action in the menu"

    # Cancelled, nothing is left.
    count = len(shown)
    APP.action("impasto_krita_refine").trigger()
    yield from prover.wait_for(lambda: len(shown) > count, "the next picture", 120)
    yield from prover.click(panel.cancel)
    yield from prover.wait_for(lambda: "Cancelled" in panel.message.text(), "a sentence")
    assert names(document) == [name], names(document)
    one.own_thumbnails.stop()
    yield 1500
    jobs = yield from prover.ask("server-jobs")
    assert jobs == 0, f"the server still has {jobs} jobs"
    one.styles.remove(one.styles.pictures.all()[0].key)
