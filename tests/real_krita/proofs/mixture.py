"""Styles and pictures mixed by mouse and keyboard: shares, preview, painting, undo, again, and leaving the mixture."""

from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtWidgets import QApplication

from impasto_editor.mixture import alone
from impasto_proofs import prover
from impasto_proofs.prover import layers, names, pixels

SIZE = 256
BOUNDS = (0, 0, SIZE, SIZE)
WAVE, SCREAM = "great-wave", "the-scream"


def from_menu(name, *keys):
    """Open the menu of a style with the right button, and go through it."""
    prover.style_point(name)
    yield 50
    yield from prover.click(prover.docker().panel.gallery.grid.viewport(), prover.style_point(name), button=3)
    yield from prover.wait_for(lambda: QApplication.activePopupWidget() is not None, "the menu of a style")
    for one in keys:
        yield from prover.key(one)


def away(first, second):
    """How far two pictures are from each other, in levels of 255."""
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)


def steps():
    one = yield from prover.open_docker()
    panel, gallery, mixture = one.panel, one.panel.gallery, one.panel.mixture
    for picture in one.styles.pictures.all():
        one.styles.remove(picture.key)
    document = yield from prover.open_part("mixed", 140, 40, SIZE)
    source = layers(document)[0]
    name, before = source.name(), pixels(source, BOUNDS)

    def reference(styles):
        sent = {"pixels": (prover.description(SIZE, SIZE), before)}
        answer = yield from prover.reference(sent, {"styles": styles})
        return answer["pixels"][1]

    def shown():
        yield 100
        yield from prover.wait_for(lambda: not one.preview.busy, "the preview")
        assert not panel.comparison._after.isNull(), panel.comparison._words
        return panel.comparison._after.copy()

    wave = yield from reference([[WAVE, 1.0]])
    scream = yield from reference([[SCREAM, 1.0]])

    narrowest = panel.minimumSizeHint().width()

    # One style, one click: nothing of a mixture is to be seen.
    yield from prover.click_style(WAVE)
    yield from prover.painted(2)
    assert not mixture.isVisible()
    assert pixels(layers(document)[1], BOUNDS) == wave
    yield from prover.trigger("edit_undo")
    plain = yield from shown()

    # The menu of another style: it is mixed, and neither chosen nor painted by the click that opened the menu.
    yield from from_menu(SCREAM)
    assert panel.choices().style == WAVE
    yield from prover.shot("mixture-menu")
    yield from prover.key("Down")
    yield from prover.key("Return")
    yield from prover.wait_for(mixture.isVisible, "the mixture")
    assert [row.name for row in mixture.rows] == [WAVE, SCREAM]
    assert [row.field.value() for row in mixture.rows] == [50, 50]
    assert not mixture.even.isEnabled()
    mixed = yield from shown()
    assert mixed != plain, "the preview is of the mixture"
    assert names(document) == [name], "and nothing was painted"
    chosen = [item.data(Qt.UserRole) for item in gallery.grid.selectedItems()]
    assert sorted(chosen) == [WAVE, SCREAM], "both tiles are marked"

    # A slider: its share is what is painted, and the rest is the other one's.
    slider = mixture.rows[1].slider
    yield from prover.click(slider, QPoint(slider.width() - 3, slider.height() // 2))
    assert slider.value() > 50, "a click beside the handle"
    assert [row.field.value() for row in mixture.rows] == [100 - slider.value(), slider.value()]
    mixture.rows[1].field.setFocus()
    mixture.rows[1].field.selectAll()
    yield from prover.ask("type", words="30")
    yield from prover.key("Tab")
    assert [row.slider.value() for row in mixture.rows] == [70, 30]
    assert mixture.even.isEnabled()
    third = yield from shown()
    assert third not in (mixed, plain), "the preview follows the share"
    wanted = yield from reference([[WAVE, 0.7], [SCREAM, 0.3]])
    assert min(away(wanted, wave), away(wanted, scream)) > 2.0
    yield from prover.shot("mixture")
    yield from prover.shot("mixture-docker", panel)
    yield from prover.click(panel.paint)
    yield from prover.painted(2)
    title = f"{gallery.title(WAVE)}, {gallery.title(SCREAM)}"
    result = layers(document)[1]
    assert result.name() == title, names(document)
    assert pixels(result, BOUNDS) == wanted, "the layer is what a direct request gives"
    distances = [away(wanted, other) for other in (wave, scream)]
    prover.say(f"levels away from either style alone: {distances[0]:.1f} and {distances[1]:.1f}")
    yield from prover.shot("mixture-painted")
    yield from prover.trigger("edit_undo")
    assert names(document) == [name], "one step of undo"
    yield from prover.trigger("edit_redo")
    assert pixels(layers(document)[1], BOUNDS) == wanted

    # A click on a style is that style alone; again with changes brings the mixture back.
    yield from prover.click_style("udnie")
    yield from prover.painted(3)
    assert not mixture.isVisible()
    assert layers(document)[2].name() == gallery.title("udnie")
    yield from prover.trigger("edit_undo")
    document.setActiveNode(layers(document)[1])
    yield from prover.wait_for(lambda: panel.again.isEnabled(), "the painting remembers")
    yield from prover.click(panel.again)
    yield from prover.wait_for(mixture.isVisible, "the mixture again")
    assert [row.field.value() for row in mixture.rows] == [70, 30]
    # As a click that was not meant has done it: the menu knows the mixture that was left.
    one.settings.paint_on_click = False
    yield from prover.click_style("udnie")
    one.settings.paint_on_click = True
    assert not mixture.isVisible()
    yield from from_menu("udnie")
    yield from prover.shot("mixture-left")
    yield from prover.key("Up")
    yield from prover.key("Return")
    yield from prover.wait_for(mixture.isVisible, "the mixture that was left")
    assert [row.field.value() for row in mixture.rows] == [70, 30]

    # By the keyboard alone: the menu of the style that is chosen offers the others.
    yield from prover.click(mixture.leave)
    assert panel.choices().styles == alone(WAVE)
    gallery.grid.setFocus()
    yield from prover.key("Menu")
    yield from prover.wait_for(lambda: QApplication.activePopupWidget() is not None, "the menu of a style")
    for keys in ("Down", "Right"):
        yield from prover.key(keys)
    yield from prover.shot("mixture-others")
    yield from prover.key("Return")
    yield from prover.wait_for(mixture.isVisible, "a mixture by the keyboard")
    assert [row.name for row in mixture.rows] == [WAVE, next(name for name in gallery.names() if name != WAVE)]
    yield from prover.click(mixture.rows[1].out)
    assert panel.choices().styles == alone(WAVE), "taken out, the other one is alone"
    yield from from_menu(SCREAM, "Down", "Return")
    yield from prover.wait_for(mixture.isVisible, "the mixture")

    # A picture that comes now is one of them. Then: all alike, out again, and the mixture is left.
    one.styles.add_files([str(prover.FOLDER / "Coffee.jpg")])
    coffee = f"file:{prover.FOLDER / 'Coffee.jpg'}"
    yield from prover.wait_for(lambda: len(mixture.rows) == 3, "the picture is mixed")
    yield from prover.click(mixture.even)
    assert [row.field.value() for row in mixture.rows] == [33, 33, 33]
    yield from shown()
    yield from prover.shot("mixture-of-three", panel)
    for more in ("udnie", "starry-night", "the-kiss"):
        if gallery.has(more):
            panel._on_mixed(more)
    yield 300
    yield from prover.shot("mixture-of-many", panel)
    assert panel.minimumSizeHint().width() <= narrowest, "long titles make the docker no wider"
    yield from prover.click(mixture.rows[1].out)
    assert SCREAM not in [row.name for row in mixture.rows]
    one.styles.remove(coffee)
    yield 200
    assert coffee not in [row.name for row in mixture.rows], "a picture that is removed leaves the mixture"
    prover.say(f"width at least {narrowest}")
    yield from prover.click(mixture.leave)
    assert not mixture.isVisible()
    assert panel.choices().style == WAVE
