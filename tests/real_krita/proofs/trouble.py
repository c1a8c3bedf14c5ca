"""Bad situations: each says what happened in a sentence inside the docker, and loses nothing."""

from krita import Selection

from impasto_link import codec
from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, names


def steps():
    for document in APP.documents():
        document.close()
    one = yield from prover.open_docker()
    panel = one.panel

    def expect(*parts):
        yield from prover.wait_for(
            lambda: not one.painter.busy and all(part in panel.message.text() for part in parts),
            f"a sentence with {parts}",
        )
        prover.say(panel.message.text())

    yield from prover.click_style("udnie")
    yield from expect("No document is open")

    document = yield from prover.open_file("small.png")
    source = layers(document)[0]
    source.setVisible(False)
    yield from prover.click(panel.paint)
    yield from expect("is hidden")
    source.setVisible(True)
    document.waitForDone()

    empty = document.createNode("Nothing", "paintlayer")
    document.rootNode().addChildNode(empty, None)
    document.waitForDone()
    yield 200
    document.setActiveNode(empty)
    yield 200
    yield from prover.click(panel.paint)
    yield from expect("“Nothing” is empty")

    prover.fill(empty, [1, 2, 3, 255], 10, 10, 40, 40)
    document.refreshProjection()
    document.waitForDone()
    selection = Selection()
    selection.select(300, 300, 50, 50, 255)
    document.setSelection(selection)
    yield 200
    yield from prover.click(panel.paint)
    yield from expect("outside of the layer")
    yield from prover.trigger("deselect")
    panel.set_area("selection")
    yield 700
    panel.set_area("selection")
    yield from prover.click(panel.paint)
    yield from expect("There is no selection")
    panel.set_area("everything")
    empty.remove()
    document.waitForDone()
    yield 200

    document.setActiveNode(source)
    source.setLocked(True)
    yield 200
    yield from prover.click(panel.paint)
    yield from prover.painted(2)
    yield from expect("is a new layer", "locked layer")
    source.setLocked(False)
    layers(document)[1].remove()

    # The layer is deleted while it is painted.
    large = yield from prover.open_file("4k.png")
    source = layers(large)[0]
    extra = source.duplicate()
    extra.setName("Extra")
    large.rootNode().addChildNode(extra, source)
    large.waitForDone()
    yield 200
    large.setActiveNode(extra)
    yield 700
    yield from prover.click(panel.paint)
    assert one.painter.busy
    extra.remove()
    yield from expect("was deleted in the meantime")
    assert names(large)[-1] == panel.gallery.title("udnie"), names(large)
    layers(large)[-1].remove()
    large.waitForDone()
    yield 200

    # Cancel, by the button that takes the place of the progress.
    large.setActiveNode(source)
    yield 700
    count = len(layers(large))
    yield from prover.click(panel.paint)
    yield from prover.wait_for(lambda: panel.progress.value() > 0, "progress")
    yield from prover.shot("progress", panel)
    yield from prover.click(panel.cancel)
    yield from expect("Cancelled")
    assert len(layers(large)) == count
    one.own_thumbnails.stop()
    one.preview.stop()
    yield 1500
    jobs = yield from prover.ask("server-jobs")
    assert jobs == 0, f"the server still has {jobs} jobs"

    # The document is closed while it is painted.
    yield from prover.click(panel.paint)
    yield from prover.wait_for(lambda: panel.progress.value() > 0, "progress")
    large.setModified(False)
    large.close()
    yield from expect("The document was closed")

    # The server is killed in the middle.
    large = yield from prover.open_file("4k.png")
    yield from prover.click(panel.paint)
    yield from prover.wait_for(lambda: panel.progress.value() > 0, "progress")
    yield from prover.ask("kill-server")
    yield from expect("The server ended in the middle of the work")
    yield from prover.shot("server-killed", panel)
    assert len(layers(large)) == count
    assert one.connection.session.state == "offline"
    large.setModified(False)
    large.close()
    yield 300

    # And the next click starts it again and paints.
    document = APP.documents()[0]
    APP.setActiveDocument(document)
    document.setActiveNode(layers(document)[0])
    yield 700
    count = len(layers(document))
    yield from prover.click(panel.paint)
    yield from prover.painted(count + 1)
    prover.say("the next click started the server and painted")

    # The document is scaled while it is painted.
    one.paint()
    document.scaleImage(256, 256, 72, 72, "Bicubic")
    yield from expect("is a new layer", "has another size now")

    # Only the frame that is shown is painted of an animation.
    source = layers(document)[0]
    source.enableAnimation()
    yield 300
    assert source.animated()
    yield from prover.click(panel.paint)
    yield from expect("is animated")

    # A server of another version: here it is the docker that suddenly speaks another one.
    right = codec.PROTOCOL
    one.connection.close()
    codec.PROTOCOL = 99
    one.connection.open(start=False)
    yield from prover.wait_for(lambda: "different versions" in panel.status.text(), "a sentence about versions")
    prover.say(panel.status.text())
    yield from prover.shot("another-version", panel)
    codec.PROTOCOL = right
    one.connection.open(start=False)
    yield from prover.wait_for(lambda: one.connection.session.state == "ready", "the connection is back")
