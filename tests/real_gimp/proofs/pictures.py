# MODE=headless
"""Any picture as a style: a file of any kind, or a layer of any open image; what is transparent does not count."""

import gimp_prover as p
from gimp_prover import BASE, KIND, Gimp, Gio


def study(width, height):
    """A picture with a pattern that no style has, transparent in its right half."""
    image = Gimp.Image.new(width, height, BASE.RGB)
    layer = Gimp.Layer.new(image, "study", width, height, KIND.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    row = [
        b"".join(bytes(((230, 20)[(x // 8 + odd) % 2], 40 + x % 64, 30, 255 * (x < width // 2))) for x in range(width))
        for odd in (0, 1)
    ]
    p.put(layer, b"".join(row[y // 8 % 2] for y in range(height)), "R'G'B'A u8")
    return image, layer


def with_palette(image):
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 64, False, False, "")
    return image.get_layers()[0]


def saved(image, name):
    file = Gio.File.new_for_path(str(p.FOLDER / name))
    Gimp.file_save(p.QUIET, image, file, None)
    return file


def plain(image, layer):
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
    p.say("painted like a file, and like a layer of another image")


def transparent(image, layer):
    """A file paints like what can be seen of it, not like the colour that GIMP has for backgrounds."""
    other, style = study(96, 64)
    width, height = layer.get_width(), layer.get_height()
    wanted = p.reference(
        {
            "pixels": (p.description(width, height), p.get(layer)),
            "style:picture": (p.description(96, 64), p.get(style)),
        },
        {"styles": [["picture", 1.0]]},
    )["pixels"][1]
    assert p.get(p.paint(image, layer, picture=saved(other, "transparent.png"))) == wanted
    other.flatten()
    assert p.get(p.paint(image, layer, picture=saved(other, "opaque.png"))) != wanted
    p.say("of a transparent file only what can be seen counts")
    other.delete()


def palettes(image, layer):
    """Small ones are read as they are; large ones are read smaller, of which nobody should see that it is a palette."""
    for width, height in ((96, 64), (2048, 1280)):
        other, _ = study(width, height)
        indexed = with_palette(other)
        same = other.duplicate()
        same.convert_rgb()
        wanted = p.get(p.paint(image, layer, picture_layer=same.get_layers()[0]))
        assert p.get(p.paint(image, layer, picture_layer=indexed)) == wanted, "a layer of an image with a palette"
        for name in ("palette.png", "palette.gif"):
            file = saved(other, name)
            opened = p.load(name)
            assert opened.get_base_type() == BASE.INDEXED
            opened.delete()
            assert p.get(p.paint(image, layer, picture=file)) == wanted, name
        p.say(f"a GIF, a PNG and a layer with a palette, {width} x {height}, are styles like others")
        other.delete()
        same.delete()


def nothing_to_see(image, layer):
    other, style = study(96, 64)
    style.set_visible(False)
    status, _, error = p.call(p.STYLE_TRANSFER, image, [layer], picture=saved(other, "hidden.xcf"))
    assert status == p.ERROR
    assert "hidden.xcf no layer can be seen" in error, error
    p.say(error)
    other.delete()


def steps():
    image, layer = p.new_image(256, 192)
    plain(image, layer)
    transparent(image, layer)
    palettes(image, layer)
    nothing_to_see(image, layer)
    image.delete()


p.run(steps)
