"""One click on a style: a new layer above the active one with the pixels the server gives; undo, redo, save, reopen."""

import json
import time

from PyQt5.QtCore import QByteArray

from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, names, pixels


def steps():
    document = yield from prover.open_file("small.png")
    one = yield from prover.open_docker()
    session = one.connection.session
    assert session.client.shares_memory == ("shared" in session.hello), "where the server can, so does the docker"
    yield from prover.wait_for(lambda: not one.panel.comparison._after.isNull(), "a preview")
    bounds = (0, 0, 512, 512)
    source = layers(document)[0]
    before, name = pixels(source, bounds), source.name()
    wanted = yield from prover.reference(
        {"pixels": (prover.description(512, 512), before)}, {"styles": [["great-wave", 1.0]]}
    )
    times = []
    one.painter.began.connect(lambda: times.append(time.monotonic()))
    one.painter.ended.connect(lambda *_: times.append(time.monotonic()))
    yield from prover.click_style("great-wave")
    yield from prover.painted(2)
    prover.say(f"from click to layer: {times[1] - times[0]:.2f} s")
    title = one.panel.gallery.title("great-wave")
    assert names(document) == [name, title], names(document)
    result = layers(document)[1]
    assert pixels(result, bounds) == wanted["pixels"][1], "the layer is what a direct request gives"
    assert pixels(layers(document)[0], bounds) == before, "the source is untouched"
    assert not result.childNodes(), "painted everywhere, so there is no mask"
    assert document.modified()
    assert document.activeNode() == layers(document)[0], document.activeNode().name()
    prover.say(f"the docker says: {one.panel.message.text()}")
    count = one.panel.gallery.grid.count()
    yield from prover.wait_for(lambda: len(one.panel.gallery._pictures) == count, "own thumbnails")
    yield from prover.trigger("edit_undo")
    assert names(document) == [name], "one step of undo"
    yield from prover.trigger("edit_redo")
    assert names(document) == [name, title]
    assert pixels(layers(document)[1], bounds) == wanted["pixels"][1]

    kept = str(prover.FOLDER / "kept.kra")
    assert document.saveAs(kept)
    document.waitForDone()
    document.setModified(False)
    document.close()
    yield 500
    document = yield from prover.open_file("kept.kra")
    assert names(document) == [name, title]
    assert pixels(layers(document)[1], bounds) == wanted["pixels"][1], "saved and opened again"
    document.setActiveNode(layers(document)[1])
    yield from prover.wait_for(lambda: one.panel.again.isEnabled(), "the parameters were kept with the layer")
    APP.action("impasto_krita_again").trigger()
    yield 100
    assert one.repeating.source == layers(document)[0].uniqueId().toString(), "it knows from what it was painted"
    assert one.panel.choices().style == "great-wave"

    # By the keyboard: the next style, Return, and the entry in the menu.
    one.panel.gallery.grid.setFocus()
    yield from prover.key("Right")
    chosen = one.panel.gallery.current
    assert chosen != "great-wave"
    yield from prover.key("Return")
    yield from prover.painted(3)
    assert one.panel.gallery.title(chosen) in names(document)
    yield from prover.trigger("edit_undo")
    document.setActiveNode(layers(document)[1])
    yield 700
    APP.action("impasto_krita_again").trigger()
    yield from prover.click_style("udnie")
    yield from prover.painted(3)
    assert names(document) == [name, title, one.panel.gallery.title("udnie")], names(document)
    wanted = yield from prover.reference(
        {"pixels": (prover.description(512, 512), before)}, {"styles": [["udnie", 1.0]]}
    )
    new = next(layer for layer in layers(document) if layer.name() == one.panel.gallery.title("udnie"))
    assert pixels(new, bounds) == wanted["pixels"][1], "painted again from the source, not from the painting"

    # A search, Return, Return: what was found is painted, and not the style chosen before, which is hidden now.
    gallery = one.panel.gallery
    assert gallery.current == "udnie"
    gallery.search.setFocus()
    gallery.search.setText("wave")
    yield from prover.key("Return")
    assert gallery.current == "great-wave", gallery.current
    yield from prover.key("Return")
    yield from prover.painted(4)
    yield from prover.trigger("edit_undo")

    # A style that the library has no longer is not replaced without a word; the search does not hide what is chosen.
    new = next(layer for layer in layers(document) if layer.name() == one.panel.gallery.title("udnie"))
    key = "impasto/" + new.uniqueId().toString()
    parameters = json.loads(bytes(document.annotation(key)))
    document.setActiveNode(new)
    yield 700
    APP.action("impasto_krita_again").trigger()
    assert (gallery.current, gallery.search.text()) == ("udnie", "")
    document.setAnnotation(key, "Impasto", QByteArray(json.dumps({**parameters, "styles": [["sold", 1.0]]}).encode()))
    APP.action("impasto_krita_again").trigger()
    assert "“sold” is not there any more" in one.panel.message.text(), one.panel.message.text()
    assert "Choose another style" in one.panel.message.text(), one.panel.message.text()

    # Hidden, the docker does nothing.
    one.setVisible(False)
    yield 1500
    assert not one._look.isActive()
    assert not one.connection._timer.isActive()
    one.setVisible(True)
    yield 200
    assert one._look.isActive()
