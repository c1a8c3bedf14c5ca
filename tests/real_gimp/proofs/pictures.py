# MODE=headless
"""Any picture as a style: a file, or a layer of an open image."""

import gimp_prover as p
from gimp_prover import BASE, KIND, Gio


def steps():
    image, layer = p.new_image(256, 192)
    file = Gio.File.new_for_path(str(p.FOLDER / "small.png"))
    status, like_file, error = p.call(p.STYLE_TRANSFER, image, [layer], picture=file)
    assert status == p.SUCCESS, error
    assert p.get(like_file) != p.get(layer)
    other, style = p.new_image(96, 96, BASE.GRAY, KIND.GRAY_IMAGE)
    like_layer = p.paint(image, layer, picture_layer=style)
    assert p.get(like_layer) != p.get(like_file)
    again = p.paint(image, layer, picture_layer=style)
    assert p.get(again) == p.get(like_layer)
    other.delete()
    image.delete()
    p.say("painted like a file, and like a layer of another image")


p.run(steps)
