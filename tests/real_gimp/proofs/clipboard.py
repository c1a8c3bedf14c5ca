"""What GIMP has copied becomes the style; Repeat and again with changes, processes of their own, find it, too."""

import time

import gimp_prover as p
from gimp_prover import KIND, Gimp


def study():
    """An image with a pattern that no style has, transparent in its lower half."""
    image = Gimp.Image.new(96, 96, p.BASE.RGB)
    layer = Gimp.Layer.new(image, "study", 96, 96, KIND.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    red, green = bytes((230, 40, 30, 255)) * 8, bytes((20, 60, 20, 255)) * 8
    p.put(layer, ((red + green) * 6 * 8 + (green + red) * 6 * 8) * 3 + bytes(96 * 48 * 4), "R'G'B'A u8")
    return image, layer


def steps():
    image = p.load("small.png")
    source = image.get_layers()[0]
    p.show(image)
    other, layer = study()
    Gimp.edit_copy([layer])
    x, y = p.open_clipboard()
    p.settled("clipboard", "^Style Transfer$")
    like, styles = p.painted(image, 2)
    assert len(styles) == 1
    assert styles[0][0].startswith("clipboard:"), styles
    wanted = p.reference(
        {
            "pixels": (p.description(source.get_width(), source.get_height()), p.get(source)),
            "style:picture": (p.description(96, 96), p.get(layer)),
        },
        {"styles": [["picture", 1.0]]},
    )["pixels"][1]
    assert p.get(like) == wanted
    p.say("what GIMP has copied is the style, byte by byte")

    image.set_selected_layers([source])
    p.window("GIMP$")
    p.key("ctrl+f")
    repeated = p.layers(image, 3)[0]
    assert p.get(repeated) == wanted
    image.set_selected_layers([like])
    p.open_dialog()
    p.ask("hover", x=0, y=0)
    p.settled("clipboard-again", "^Style Transfer$")
    again, same = p.painted(image, 4)
    assert same == styles
    assert p.get(again) == wanted
    p.say("Repeat and again with changes find it")

    # With the last values, and back to the styles.
    image.set_selected_layers([source])
    Gimp.edit_copy([layer])
    x, y = p.open_clipboard()
    time.sleep(1.0)
    assert p.painted(image, 5)[1] == styles, "the same pixels are the same style"
    image.set_selected_layers([source])
    x, y = p.open_dialog()
    p.click(x + 85, y + 40)
    time.sleep(0.5)
    assert p.painted(image, 6)[1] == [["starry-night", 1.0]]
    p.say("back to the styles, the one that was chosen before is chosen")
    other.delete()


p.run(steps)
