"""Find Subject: what the mask shows becomes the selection, by the docker's button and by the entry of the menu."""

from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, names, pixels

WHOLE = (0, 0, 512, 512)


def selected(document):
    selection = document.selection()
    return bytes(selection.pixelData(*WHOLE)) if selection is not None else bytes(512 * 512)


def steps():
    document = yield from prover.open_file("small.png")
    one = yield from prover.open_docker()
    source = layers(document)[0]
    sent = {"pixels": (prover.description(512, 512), pixels(source, WHOLE))}

    # By the menu, with nothing set: the subject as it is found.
    wanted = yield from prover.reference(sent, {}, op="mask")
    yield from prover.trigger("impasto_krita_subject")
    yield from prover.wait_for(lambda: document.selection() is not None and not one.painter.busy, "a selection")
    assert selected(document) == wanted["mask"][1]
    assert len(set(selected(document))) > 10, "its border is soft"
    assert f"The subject of “{source.name()}” is selected." in one.panel.message.text(), one.panel.message.text()
    assert len(names(document)) == 1, names(document)
    yield from prover.wait_for(lambda: one.panel.area.currentData() == "selection", "the area follows the selection")
    yield from prover.shot("subject-selected")
    yield from prover.trigger("edit_undo")
    assert document.selection() is None, "one step of undo"

    # By the button, with what the docker shows as the mask; an earlier selection does not count.
    yield from prover.trigger("select_all")
    one.panel.set_area("background")
    one.panel.row("feather").set(6)
    one.panel.row("grow").set(4)
    one.panel.show_mask.setChecked(True)
    yield from prover.wait_for(lambda: not one.panel.comparison._mask.isNull(), "the mask is shown")
    wanted = yield from prover.reference(sent, {"feather": 6.0, "grow": 4.0, "invert": True}, op="mask")
    before = selected(document)
    yield from prover.click(one.panel.select)
    yield from prover.wait_for(lambda: not one.painter.busy and selected(document) != before, "another selection")
    assert selected(document) == wanted["mask"][1]
    assert "The background of" in one.panel.message.text(), one.panel.message.text()
    yield from prover.shot("background-selected")

    # What is selected is painted with the same border, softened by the server as that of a subject is.
    one.panel.show_mask.setChecked(False)
    one.panel.set_area("selection")
    yield from prover.click_style("udnie")
    yield from prover.painted(2)
    wanted = yield from prover.reference(
        {**sent, "mask": (prover.description(512, 512, "GRAY", "u8", "linear"), selected(document))},
        {"styles": [["udnie", 1.0]], "area": "subject", "feather": 6.0},
    )
    painting = layers(document)[1]
    assert pixels(painting, WHOLE) == wanted["pixels"][1]
    shape = next(child for child in painting.childNodes() if child.type() == "transparencymask").selection()
    assert bytes(shape.pixelData(*WHOLE)) == wanted["mask"][1]
    assert APP.activeDocument() == document
