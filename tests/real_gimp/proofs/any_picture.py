"""The dialog's page for a picture, by hand: a file, a layer of the image, a layer of another image; and again."""

import time

import gimp_prover as p
from gimp_prover import KIND, Gimp, Gio


def open_page():
    x, y = p.open_dialog()
    p.click(x + 205, y + 40)
    time.sleep(0.5)


def choose_layer(number):
    """The so many-th entry below the present one. An open list does not hear a machine's hand, a closed one does."""
    p.key("alt+i")
    p.key("Tab")
    for _ in range(number):
        p.key("Down")
    time.sleep(0.5)


def picture_to_paint_like(image):
    """A layer with a pattern that no style has, inside of a group."""
    group = Gimp.GroupLayer.new(image, "studies")
    image.insert_layer(group, None, 1)
    study = Gimp.Layer.new(image, "study", 96, 96, KIND.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(study, group, 0)
    red, green = bytes((230, 40, 30, 255)) * 8, bytes((20, 60, 20, 255)) * 8
    p.put(study, ((red + green) * 6 * 8 + (green + red) * 6 * 8) * 6, "R'G'B'A u8")
    return study


def gif(name):
    """A file that has a palette."""
    image = p.load("small.png")
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 64, False, False, "")
    Gimp.file_save(p.QUIET, image, Gio.File.new_for_path(str(p.FOLDER / name)), None)
    image.delete()


def steps():
    gif("palette.gif")
    image = p.load("small.png")
    source = image.get_layers()[0]
    study = picture_to_paint_like(image)
    image.set_selected_layers([source])
    p.show(image)
    like_style = p.paint(image, source, style="starry-night")

    open_page()
    p.shot("picture-none", "^Style Transfer$")
    p.key("alt+p")
    time.sleep(1.0)
    assert p.is_open("^Style Transfer$"), "without a picture there is nothing to paint like"
    p.choose_picture("palette.gif")
    shown = p.settled("picture-gif", "^Style Transfer$")
    p.choose_picture("large.png")
    assert p.settled("picture-file", "^Style Transfer$").get_pixels() != shown.get_pixels()
    p.key("alt+p")
    like_file = p.layers(image, 4)[0]
    kept = p.parameters(like_file)
    assert kept["styles"] == [[f"file:{p.FOLDER / 'large.png'}", 1.0]], kept
    assert p.get(like_file) != p.get(like_style)
    p.say("a file, chosen by hand")

    # The dialog comes up with the last values, on the page for a picture.
    image.set_selected_layers([source])
    p.open_dialog()
    p.settled("picture-again", "^Style Transfer$")
    # No layer, the two paintings, the source, the group, and in it the study.
    choose_layer(5)
    p.settled("picture-layer", "^Style Transfer$")
    p.key("alt+p")
    like_layer = p.layers(image, 5)[0]
    kept = p.parameters(like_layer)
    assert len(kept["styles"]) == 1
    assert kept["styles"][0][0].startswith(f"layer:{study.get_tattoo()}:"), kept
    assert p.get(like_layer) not in (p.get(like_file), p.get(like_style))
    p.say("a layer in a group, chosen by hand")

    image.set_selected_layers([like_layer])
    p.open_dialog()
    p.settled("picture-layer-again", "^Style Transfer$")
    p.key("alt+p")
    again = p.layers(image, 6)[0]
    assert p.parameters(again) == kept
    assert p.get(again) == p.get(like_layer), "painted like the same layer once more"
    p.say("again with changes remembers the layer")


p.run(steps)
