"""What the user does while it is painted: closes the image, deletes the layer, goes on elsewhere."""

import gimp_prover as p
from gimp_prover import KIND, Gegl, Gimp


def closed():
    """The user closes the image while it is painted. A script's own call would keep it, so this one is the menu's."""
    image = p.load("4k.png")
    display = p.show(image)
    p.begin()
    display.delete()
    p.window("GIMP Message", 40)
    p.shot("image-closed")
    p.key("Return")
    assert not image.is_valid()
    p.wait_for(lambda: p.jobs() == 0, "the server drops the job", 5)
    p.say("an image that was closed: its job was dropped, and GIMP says so")


def deleted():
    """The layer is deleted while it is painted."""
    image = p.load("4k.png")
    image.scale(2560, 1440)
    top = image.get_layers()[0]
    below = top.copy()
    image.insert_layer(below, None, 1)
    image.set_selected_layers([top])
    display = p.show(image)
    p.begin()
    image.remove_layer(top)
    p.wait_for(lambda: len(image.get_layers()) == 2, "the painting", 60)
    assert image.get_layers()[1] == below
    p.say("a layer that was deleted: its painting is on top")
    p.gone("^Style Transfer$")
    display.delete()


def selected():
    """While it is painted, the user goes on with another layer, or with a channel."""
    image = p.load("4k.png")
    image.scale(2560, 1440)
    source = image.get_layers()[0]
    drawing = Gimp.Layer.new(image, "drawing", 100, 100, KIND.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(drawing, None, 0)
    channel = Gimp.Channel.new(image, "channel", 2560, 1440, 50, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    display = p.show(image)
    for count, select, selected, one in (
        (3, image.set_selected_layers, image.get_selected_layers, drawing),
        (4, image.set_selected_channels, image.get_selected_channels, channel),
    ):
        image.set_selected_layers([source])
        p.begin()
        select([one])
        p.wait_for(lambda count=count: len(image.get_layers()) == count, "the painting", 60)
        assert selected() == [one], "the next strokes go where they were meant to go"
        p.gone("^Style Transfer$")
    p.say("what was selected in the meantime stays selected")
    display.delete()


def steps():
    closed()
    deleted()
    selected()


p.run(steps)
