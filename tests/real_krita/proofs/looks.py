"""The docker in a light theme, wide and narrow, its settings, and in Chinese: pictures to be looked at."""

from PyQt5.QtCore import QSize
from PyQt5.QtWidgets import QDockWidget

from impasto_editor.mixture import joined, with_share
from impasto_proofs import prover
from impasto_proofs.prover import APP


def only_layers_and_docker(one):
    """What an artist who uses the docker a lot may have: the other dockers out of the way."""
    for other in APP.dockers():
        if other.objectName() not in ("impasto_krita", "KisLayerBox", "ToolBox"):
            other.setVisible(False)
    one.setVisible(True)
    one.raise_()
    window = APP.activeWindow().qwindow()
    layers = next(other for other in APP.dockers() if other.objectName() == "KisLayerBox")
    window.resizeDocks([window.findChild(QDockWidget, "KisLayerBox"), one], [150, 750], 2)
    window.resizeDocks([one], [330], 1)
    assert layers is not None


def steps():
    yield from prover.open_file("small.png")
    one = yield from prover.open_docker()
    only_layers_and_docker(one)
    yield 800
    for picture in one.styles.pictures.all():
        one.styles.remove(picture.key)
    one.styles.add_files([str(prover.FOLDER / "Coffee.jpg")])
    yield from prover.click_style("great-wave")
    yield from prover.painted(2)
    yield from prover.wait_for(
        lambda: len(one.panel.gallery._pictures) == one.panel.gallery.grid.count() - 1, "own thumbnails", 90
    )
    theme = "light" if one.panel.palette().window().color().lightness() > 127 else "dark"
    look = f"{theme}-{one.settings.language}"
    yield from prover.shot(look)
    yield from prover.click_style(f"file:{prover.FOLDER / 'Coffee.jpg'}")
    yield from prover.painted(3)
    yield from prover.shot(f"{look}-picture")
    one.panel.choose_styles(with_share(joined(one.panel.choices().styles, "great-wave"), "great-wave", 0.35))
    yield 1500
    yield from prover.shot(f"{look}-mixture", one.panel)
    one.panel.choose_styles(one.panel.choices().styles[:1])
    one.panel.gallery.search.setText("gogh")
    one.panel.area.setCurrentIndex(max(0, one.panel.area.findData("subject")))
    one.panel.row("keep_colors").set(True)
    yield 2500
    yield from prover.shot(f"{look}-searched", one.panel)
    yield from prover.click(one.panel.more)
    yield 400
    yield from prover.shot(f"{look}-more", one.panel)
    yield from prover.click(one.panel.more)
    one.panel.gallery.search.clear()
    yield from prover.click(one.panel.settings)
    yield 400
    yield from prover.shot(f"{look}-settings")
    yield from prover.key("Escape")
    window = APP.activeWindow().qwindow()
    window.resizeDocks([one], [200], 1)
    one.panel.gallery.size_slider.setValue(110)
    yield 600
    yield from prover.shot(f"{look}-narrow", one.panel)
    yield from prover.click(one.panel.refining)
    yield from prover.key("Down")
    yield from prover.key("Return")
    yield from prover.wait_for(lambda: one.panel.keep.isVisible(), "a picture of the refinement", 90)
    yield from prover.shot(f"{look}-refining", one.panel)
    yield from prover.click(one.panel.cancel)
    yield from prover.wait_for(lambda: not one.painter.busy, "it is cancelled")
    yield from prover.click(one.panel.gallery.menu)
    yield 400
    yield from prover.shot(f"{look}-pictures")
    yield from prover.key("Escape")
    one.styles.remove(one.styles.pictures.all()[0].key)
    assert one.panel.minimumSizeHint().width() <= 260, QSize(one.panel.minimumSizeHint())
