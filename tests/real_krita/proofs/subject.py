"""Find Subject: the layer gets the mask that the docker shows, by its button and by the entry of the menu."""

from krita import Selection

from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, pixels

WHOLE = (0, 0, 512, 512)


def masks(layer):
    return [child for child in layer.childNodes() if child.type() == "transparencymask"]


def shown(layer):
    return bytes(masks(layer)[-1].selection().pixelData(*WHOLE))


def steps():
    document = yield from prover.open_file("small.png")
    one = yield from prover.open_docker()
    source = layers(document)[0]
    sent = {"pixels": (prover.description(512, 512), pixels(source, WHOLE))}

    # By the menu, with nothing set: the subject as it is found, whatever is selected.
    corner = Selection()
    corner.select(0, 0, 60, 60, 255)
    document.setSelection(corner)
    wanted = yield from prover.reference(sent, {}, op="mask")
    yield from prover.trigger("impasto_krita_subject")
    yield from prover.wait_for(lambda: masks(source) and not one.painter.busy, "a mask")
    assert shown(source) == wanted["mask"][1]
    assert len(set(shown(source))) > 10, "its border is soft"
    assert "a mask now that shows its subject only" in one.panel.message.text(), one.panel.message.text()
    assert pixels(source, WHOLE) == sent["pixels"][1], "its pixels are as they were"
    assert document.selection() is not None, "and so is the selection"
    yield from prover.shot("subject-found")
    yield from prover.trigger("edit_undo")
    assert not masks(source), "one step of undo"
    yield from prover.trigger("deselect")

    # By the button, with what the docker shows as the mask.
    one.panel.set_area("background")
    one.panel.row("feather").set(6)
    one.panel.row("grow").set(4)
    one.panel.show_mask.setChecked(True)
    yield from prover.wait_for(lambda: not one.panel.comparison._mask.isNull(), "the mask is shown")
    wanted = yield from prover.reference(sent, {"feather": 6.0, "grow": 4.0, "invert": True}, op="mask")
    yield from prover.click(one.panel.add_mask)
    yield from prover.wait_for(lambda: masks(source) and not one.painter.busy, "a mask of the background")
    assert shown(source) == wanted["mask"][1]
    assert "its background only" in one.panel.message.text(), one.panel.message.text()
    yield from prover.shot("background-found")
    yield from prover.trigger("edit_undo")
    assert not masks(source)

    # The border of a selection is softened by the server, as that of a subject is.
    one.panel.show_mask.setChecked(False)
    document.setActiveNode(source)
    rough = Selection()
    rough.select(150, 100, 200, 180, 255)
    document.setSelection(rough)
    yield from prover.wait_for(lambda: one.panel.area.currentData() == "background", "the area stays")
    one.panel.set_area("selection")
    yield from prover.click_style("udnie")
    yield from prover.painted(2)
    bounds = (150 - 9, 100 - 9, 200 + 18, 180 + 18)
    selected = bytes(rough.pixelData(*bounds))
    wanted = yield from prover.reference(
        {
            "pixels": (prover.description(*bounds[2:]), pixels(source, bounds)),
            "mask": (prover.description(*bounds[2:], "GRAY", "u8", "linear"), selected),
        },
        {"styles": [["udnie", 1.0]], "area": "subject", "feather": 6.0},
    )
    painting = layers(document)[1]
    assert pixels(painting, bounds) == wanted["pixels"][1]
    assert bytes(masks(painting)[0].selection().pixelData(*bounds)) == wanted["mask"][1]
    assert set(wanted["mask"][1]) - {0, 255}, "the border is soft"
    assert APP.activeDocument() == document
