"""What another program has copied becomes the style: a picture, in the colours it means, or a file; mixed."""

import time

import gimp_prover as p
from gimp_prover import Gimp, Gio


def pictures(image, source):
    owner = p.copied("image/png", "large.png")
    image.set_selected_layers([source])
    p.open_clipboard()
    p.settled("copied-picture", "^Style Transfer$")
    large, styles = p.painted(image, 3)
    assert styles[0][0].startswith("clipboard:"), styles
    owner.terminate()
    owner = p.copied("text/uri-list", "small.png")
    image.set_selected_layers([source])
    p.open_clipboard()
    p.settled("copied-file", "^Style Transfer$")
    assert p.painted(image, 4)[1] == [[f"file:{p.FOLDER / 'small.png'}", 1.0]]
    owner.terminate()
    p.say("a picture, or a file")

    image.set_selected_layers([large])
    x, y = p.open_dialog()
    p.key("alt+x")
    time.sleep(0.5)
    p.click(x + 85, y + 40)
    p.settled("copied-before-mixture", "^Style Transfer$")
    p.click(x + 85, y + 160)
    p.ask("hover", x=0, y=0)
    p.settled("copied-mixture", "^Style Transfer$")
    mixed = p.painted(image, 5)[1]
    assert mixed == [*styles, ["starry-night", 1.0]], mixed
    p.say("mixed with a style of the library")


def profile(image, source):
    """The colours of a picture are as its profile says."""
    wide, layer = p.new_image(96, 96, profile=Gimp.ColorProfile.new_rgb_adobe())
    assert p.get(layer, name="R'G'B'A u8") != p.get(layer)
    export = Gimp.get_pdb().lookup_procedure("file-png-export")
    config = export.create_config()
    wanted = {"image": wide, "file": Gio.File.new_for_path(str(p.FOLDER / "wide.png")), "include-color-profile": True}
    for name, value in wanted.items():
        config.set_property(name, value)
    assert export.run(config).index(0) == p.SUCCESS
    owner = p.copied("image/png", "wide.png")
    image.set_selected_layers([source])
    p.open_clipboard()
    time.sleep(1.0)
    count = len(image.get_layers())
    painting, _ = p.painted(image, count + 1)
    wanted = p.reference(
        {
            "pixels": (p.description(source.get_width(), source.get_height()), p.get(source)),
            "style:picture": (p.description(96, 96), p.get(layer, name="R'G'B'A u8")),
        },
        {"styles": [["picture", 1.0]]},
    )["pixels"][1]
    assert p.get(painting) == wanted
    owner.terminate()
    wide.delete()
    p.say("one with a profile, in the colours that it means")


def steps():
    image = p.load("small.png")
    source = image.get_layers()[0]
    p.show(image)
    profile(image, source)
    pictures(image, source)


p.run(steps)
