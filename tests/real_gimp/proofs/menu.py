"""The entry does nothing where it makes no sense: no image, two layers, indexed colours that are no animation."""

import time

import gimp_prover as p
from gimp_prover import Gimp


def look(name):
    """Whether the entry does anything when it is asked for; a screenshot of it in GIMP's search, which says why not."""
    p.window("GIMP$|GNU Image Manipulation Program")
    p.key("slash")
    p.window("Search Actions", 10)
    p.write("style transfer")
    time.sleep(0.8)
    p.shot(f"search-{name}")
    p.key("Return")
    time.sleep(3.0)
    opened = p.is_open("^Style Transfer$")
    if opened:
        p.window("^Style Transfer$")
    p.key("Escape")
    time.sleep(0.5)
    return opened


def steps():
    assert not look("no-image")
    image = p.load("small.png")
    p.show(image)
    assert look("one-layer")
    below = image.get_layers()[0]
    second = below.copy()
    image.insert_layer(second, None, 0)
    image.set_selected_layers([below, second])
    Gimp.displays_flush()
    assert not look("two-layers")
    image.set_selected_layers([second])
    Gimp.displays_flush()
    assert look("one-of-two")
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, "")
    Gimp.displays_flush()
    assert not look("indexed")
    assert len(image.get_layers()) == 2


p.run(steps)
