# LINGER=2
# MALLOC_PERTURB_=165
"""Again with changes, wherever the painting has gone: a file, a duplicate, another image; and of the first version.

Images are closed as soon as they are painted, while the plug-in's process has yet to end. Here it takes long to, as on
a slow machine, and memory that was freed is overwritten: what GIMP was told of a painting and keeps for too long shows.
"""

import json

import gimp_prover as p
from gimp_prover import Gimp, Gio


def repaint(image, painting):
    """Paint a painting again by hand; the name of the layer that was painted. The image is gone then."""
    before = image.get_layers()
    image.set_selected_layers([painting])
    display = p.show(image)
    p.open_dialog()
    p.settled("again-elsewhere", "^Style Transfer$")
    p.key("alt+p")
    p.wait_for(lambda: len(image.get_layers()) > len(before), "the painting", 60)
    p.gone("^Style Transfer$")
    new = next(layer for layer in image.get_layers() if layer not in before)
    names = [layer.get_name() for layer in before if identity(layer) == p.source(new)[1]]
    assert len(names) == 1, names
    assert image.get_selected_layers() == [painting]
    display.delete()
    return names[0]


def identity(layer):
    parasite = layer.get_parasite("impasto-layer")
    return bytes(parasite.get_data()).decode() if parasite is not None else ""


def painted():
    """An image of two layers, of which the upper was painted."""
    image, source = p.new_image(96, 64)
    image.insert_layer(source.copy(), None, 1)
    painting = p.paint(image, source, style="udnie")
    assert image.get_item_position(painting) == 0
    return image, source, painting


def saved():
    image, source, _ = painted()
    name = source.get_name()
    Gimp.file_save(p.QUIET, image, Gio.File.new_for_path(str(p.FOLDER / "again.xcf")), None)
    image.delete()
    image = p.load("again.xcf")
    assert repaint(image, image.get_layers()[0]) == name
    p.say("in a file that was saved and opened again")


def duplicated():
    image, source, painting = painted()
    double = image.duplicate()
    numbered = double.get_layer_by_tattoo(p.source(painting)[0])
    assert numbered is None or numbered.get_name() != source.get_name(), "GIMP numbers its layers anew"
    assert repaint(double, double.get_layers()[0]) == source.get_name()
    p.say("in a duplicate of the image, whose layers have other numbers")


def doubled():
    """Of two layers of one identity that one counts which was painted."""
    image, source, painting = painted()
    double = source.copy()
    image.insert_layer(double, None, 0)
    on_double = p.paint(image, double, style="udnie")
    assert image.get_item_position(on_double) == 0, "directly above its own source"
    again = p.paint(image, source, style="udnie")
    assert p.source(again)[0] == source.get_tattoo()
    assert image.get_item_position(again) == image.get_item_position(painting) - 1
    image.delete()
    p.say("a duplicate of the layer is told from the layer")


def dragged():
    """Into another image, of which a layer happens to have the number of the source."""
    image, source = p.new_image(96, 64)
    painting = p.paint(image, source, style="udnie")
    other, stranger = p.new_image(96, 64)
    assert stranger.get_tattoo() == p.source(painting)[0]
    guest = Gimp.Layer.new_from_drawable(painting, other)
    other.insert_layer(guest, None, 0)
    assert p.parameters(guest) == p.parameters(painting)
    mine = p.paint(other, stranger, style="the-scream")
    assert [layer.get_id() for layer in other.get_layers()] == [one.get_id() for one in (guest, mine, stranger)]
    name = guest.get_name()
    assert repaint(other, guest) == name, "its source is not here, so it is painted itself"
    p.say("in another image no other layer is taken for the source")


def of_the_first_version():
    image, source, painting = painted()
    old = {"style": "udnie", "strength": 0.5, "area": "selection", "refine": "none", "source": source.get_tattoo()}
    painting.attach_parasite(Gimp.Parasite.new("impasto", Gimp.PARASITE_PERSISTENT, json.dumps(old).encode()))
    source.detach_parasite("impasto-layer")
    name = source.get_name()
    assert repaint(image, painting) == name
    p.say("a painting of the first version, which kept numbers only")


def sold():
    """In styles that the library has no longer: they are not replaced without a word, and others can be chosen."""
    image, _, painting = painted()
    kept = p.parameters(painting)

    def open_with(**changed):
        entry = {**kept, **changed}
        painting.attach_parasite(Gimp.Parasite.new("impasto", Gimp.PARASITE_PERSISTENT, json.dumps(entry).encode()))
        image.set_selected_layers([painting])
        p.open_dialog()

    display = p.show(image)
    open_with(styles=[["sold", 1.0]])
    p.settled("again-sold", "^Style Transfer$")
    p.key("Escape")
    p.gone("^Style Transfer$")
    open_with(background=[["sold", 1.0]])
    p.settled("again-sold-background", "^Style Transfer$")
    p.key("alt+b")
    p.key("Home")
    p.settled("again-same-style", "^Style Transfer$")
    p.key("alt+p")
    p.wait_for(lambda: len(image.get_layers()) == 4, "the painting", 60)
    p.gone("^Style Transfer$")
    new = next(layer for layer in image.get_layers() if layer != painting and layer.get_parasite("impasto"))
    assert p.parameters(new)["background"] == [], p.parameters(new)
    display.delete()
    p.say("a style that is gone is shown as such, and another one can be chosen")


def steps():
    sold()
    doubled()
    saved()
    duplicated()
    dragged()
    of_the_first_version()


p.run(steps)
