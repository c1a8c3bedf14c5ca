"""The selection, the subject, groups and vector layers: the right pixels at the right place under the right mask."""

from krita import Selection
from PyQt5.QtCore import QTimer

from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, names, pixels


def mask_of(layer):
    masks = [child for child in layer.childNodes() if child.type() == "transparencymask"]
    assert len(masks) == 1, [child.type() for child in layer.childNodes()]
    return masks[0]


def steps():
    document = yield from prover.open_file("small.png")
    one = yield from prover.open_docker()
    source = layers(document)[0]
    name = source.name()

    # A soft selection.
    selection = Selection()
    selection.select(120, 60, 200, 180, 255)
    selection.feather(12)
    document.setSelection(selection)
    yield from prover.wait_for(lambda: one.panel.area.currentData() == "selection", "the area follows the selection")
    bounds = (selection.x(), selection.y(), selection.width(), selection.height())
    covered = bytes(selection.pixelData(*bounds))
    assert len(set(covered)) > 10, "the selection is soft"
    wanted = yield from prover.reference(
        {
            "pixels": (prover.description(*bounds[2:]), pixels(source, bounds)),
            "selection": (prover.description(*bounds[2:], "GRAY", "u8", "linear"), covered),
        },
        {"styles": [["starry-night", 1.0]]},
    )
    untouched = APP.action("edit_undo").text()
    yield from prover.click_style("starry-night")
    yield from prover.painted(2)
    result = layers(document)[1]
    assert pixels(result, bounds) == wanted["pixels"][1], "the pixels of the selection"
    box = result.bounds()
    assert (box.x(), box.y(), box.width(), box.height()) == bounds, box
    shape = mask_of(result).selection()
    assert bytes(shape.pixelData(*bounds)) == wanted["mask"][1] == covered, "the mask is as soft as the selection"
    assert document.selection() is not None, "the selection is still there"
    edge = bytes(document.pixelData(bounds[0] + 2, bounds[1] + bounds[3] // 2, 1, 1))
    assert edge, "the projection is up to date"
    yield from prover.shot("selection")
    yield from prover.trigger("edit_undo")
    assert names(document) == [name], f"one step of undo for layer and mask, there are {names(document)}"
    assert APP.action("edit_undo").text() == untouched, "and not a second one that does nothing"
    yield from prover.trigger("edit_redo")
    assert len(layers(document)) == 2, names(document)
    assert bytes(mask_of(layers(document)[1]).selection().pixelData(*bounds)) == covered, "redo brings the mask back"

    # As a group, as a flat layer.
    document.setActiveNode(source)
    yield 700
    one.settings.result = "group"
    yield from prover.click(one.panel.paint)
    yield from prover.painted(3)
    group = next(layer for layer in layers(document) if layer.type() == "grouplayer")
    assert pixels(group.childNodes()[0], bounds) == wanted["pixels"][1]
    mask_of(group.childNodes()[0])
    document.setActiveNode(group.childNodes()[0])
    yield 700
    assert one.panel.again.isEnabled(), "within its group the painting knows how it was painted"
    yield from prover.trigger("edit_undo")
    assert len(layers(document)) == 2, "one step of undo for a group"
    document.setActiveNode(source)
    yield 700
    one.settings.result = "flat"
    yield from prover.click(one.panel.paint)
    yield from prover.painted(3)
    assert not layers(document)[2].childNodes(), "a flat layer has no mask, and is not hidden by the one before"
    yield from prover.trigger("edit_undo")
    assert len(layers(document)) == 2, "one step of undo for a flat layer"
    one.settings.result = "mask"
    yield from prover.trigger("edit_undo")
    assert names(document) == [name], names(document)
    yield from prover.trigger("deselect")
    yield from prover.wait_for(lambda: one.panel.area.currentData() == "everything", "the area follows again")

    # The subject.
    if one.panel.area.findData("subject") >= 0:
        one.panel.set_area("subject")
        one.panel.show_mask.setChecked(True)
        picture = one.panel.comparison
        yield from prover.wait_for(lambda: picture._after.isNull() and not picture._mask.isNull(), "the mask is shown")
        yield from prover.shot("subject-mask", one.panel)
        yield from prover.click_style("great-wave")
        yield from prover.painted(2)
        whole = (0, 0, 512, 512)
        wanted = yield from prover.reference(
            {"pixels": (prover.description(512, 512), pixels(source, whole))},
            {"styles": [["great-wave", 1.0]], "area": "subject"},
        )
        assert bytes(mask_of(layers(document)[1]).selection().pixelData(*whole)) == wanted["mask"][1]
        yield from prover.shot("subject")
        yield from prover.trigger("edit_undo")
        # What lies in the rectangle around a selection, but not in it, is not painted, whatever the area.
        corner = Selection()
        corner.select(40, 40, 400, 120, 255)
        corner.select(40, 160, 120, 280, 255)
        document.setSelection(corner)
        for area in ("subject", "background"):
            one.panel.set_area(area)
            yield 700
            yield from prover.wait_for(lambda: not one.preview.busy and not picture._mask.isNull(), "the mask is shown")
            veiled = picture._mask.pixelColor(picture._mask.width() * 4 // 5, picture._mask.height() * 4 // 5)
            assert veiled.red() > max(veiled.green(), veiled.blue()) + 60, (area, veiled.getRgb())
        yield from prover.shot("background-mask-of-a-selection", one.panel)
        yield from prover.trigger("deselect")
        one.panel.show_mask.setChecked(False)
        one.panel.set_area("everything")
        # Two styles.
        one.panel.background.setCurrentIndex(one.panel.background.findData("udnie"))
        yield from prover.click_style("great-wave")
        yield from prover.painted(2)
        assert names(document)[1].endswith(" + " + one.panel.gallery.title("udnie")), names(document)
        yield from prover.shot("two-styles")
        yield from prover.trigger("edit_undo")
        one.panel.background.setCurrentIndex(0)
    else:
        prover.say("this server does not find subjects")

    # A group by its projection, and a layer that covers only a part and was moved while it was painted.
    group = document.createGroupLayer("Group")
    document.rootNode().addChildNode(group, None)
    part = document.createNode("Part", "paintlayer")
    prover.fill(part, [10, 120, 240, 255], 300, 40, 90, 70)
    group.addChildNode(part, None)
    document.waitForDone()
    yield 300
    document.setActiveNode(group)
    yield 700
    yield from prover.click_style("udnie")
    yield from prover.painted(3)
    box = layers(document)[2].bounds()
    assert (box.x(), box.y(), box.width(), box.height()) == (300, 40, 90, 70), box
    painted = pixels(layers(document)[2], (300, 40, 90, 70))
    assert not layers(document)[2].inheritAlpha()
    # The same, if the group is passed through: then it has no pixels of its own, not even together.
    yield from prover.trigger("edit_undo")
    group.setPassThroughMode(True)
    document.refreshProjection()
    document.waitForDone()
    document.setActiveNode(group)
    yield 700
    yield from prover.click(one.panel.paint)
    yield from prover.painted(3)
    assert pixels(layers(document)[2], (300, 40, 90, 70)) == painted, "a group that is passed through"
    group.setPassThroughMode(False)
    # What shows only where the layer below it does, is painted likewise.
    part.setInheritAlpha(True)
    document.setActiveNode(part)
    yield 700
    one.painter.began.connect(lambda: QTimer.singleShot(0, lambda: part.move(part.position().x() + 40, 25)))
    yield from prover.click(one.panel.paint)
    yield from prover.wait_for(lambda: not one.painter.busy and len(group.childNodes()) == 2, "a layer in the group")
    assert group.childNodes()[1].inheritAlpha()
    box, moved = group.childNodes()[1].bounds(), part.bounds()
    assert (box.x(), box.y()) == (moved.x(), moved.y()) != (300, 40), "the painting went along"

    # A vector layer.
    vector = document.createVectorLayer("Vector")
    document.rootNode().addChildNode(vector, None)
    shape = '<rect x="50" y="350" width="100" height="90" fill="#a03020"/>'
    vector.addShapesFromSvg(f'<svg width="512px" height="512px" viewBox="0 0 512 512">{shape}</svg>')
    document.refreshProjection()
    document.waitForDone()
    yield 500
    document.setActiveNode(vector)
    yield 700
    count = len(layers(document))
    yield from prover.click(one.panel.paint)
    yield from prover.painted(count + 1)
    box, origin = layers(document)[-1].bounds(), vector.bounds()
    assert box == origin, (box, origin)
    prover.say(f"the vector layer is at {box}")
    assert APP.activeDocument() == document
