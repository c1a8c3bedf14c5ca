"""A copy of a document, which has all ids of the original, is a document of its own."""

from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, names


def show(document):
    # Window.showView compares pointers of wrappers, and so never does anything.
    if APP.activeDocument() != document:
        APP.action("windows_next").trigger()
    yield from prover.wait_for(lambda: APP.activeDocument() == document, "the other document is active")


def steps():
    one = yield from prover.open_docker()
    original = yield from prover.open_part("original", 140, 40, 192)
    before = APP.documents()
    APP.action("create_copy").trigger()
    yield from prover.wait_for(lambda: len(APP.documents()) > len(before), "the copy")
    copy = next(document for document in APP.documents() if document not in before)
    yield from show(copy)
    assert copy.rootNode().uniqueId() == original.rootNode().uniqueId(), "the ids would not tell them apart"
    assert copy != original
    copy.setActiveNode(layers(copy)[0])
    yield 800
    yield from prover.click_style("udnie")
    yield from prover.painted(2)
    assert len(layers(copy)) == 2, names(copy)
    assert len(layers(original)) == 1, names(original)

    # And the other way round; then the copy is closed, and the original goes on.
    yield from show(original)
    original.setActiveNode(layers(original)[0])
    yield 800
    yield from prover.click(one.panel.paint)
    copy.setModified(False)
    copy.close()
    yield from prover.painted(2)
    assert len(layers(original)) == 2, names(original)
    assert "is a new layer" in one.panel.message.text(), one.panel.message.text()
