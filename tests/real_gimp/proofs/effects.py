# MODE=headless
"""What is seen of a layer is painted: effects that GIMP keeps apart from its pixels; layers that are no pixels."""

import gimp_prover as p
from gimp_prover import BASE, KIND, PRECISION, Gimp, Gio

ALPHA = "R'G'B'A u8"


def effect(layer, name, **settings):
    one = Gimp.DrawableFilter.new(layer, name, "effect")
    for key, value in settings.items():
        one.get_config().set_property(key, value)
    one.update()
    layer.append_filter(one)
    return one


def unchanged(image, layer, **options):
    """The pixels of a painting of strength 0: those that were painted."""
    images = len(Gimp.get_images())
    painting = p.paint(image, layer, style="udnie", area="everything", strength=0.0, **options)
    assert p.offsets(painting) == p.offsets(layer)
    assert (painting.get_width(), painting.get_height()) == (layer.get_width(), layer.get_height())
    assert len(Gimp.get_images()) == images, "nothing is left behind"
    data = p.get(painting, None, ALPHA)
    image.remove_layer(painting)
    return data


def alike(one, two, tolerance=1):
    return len(one) == len(two) and max(abs(a - b) for a, b in zip(one, two, strict=True)) <= tolerance


def inverted(data):
    return bytes(value if place % 4 == 3 else 255 - value for place, value in enumerate(data))


def on_a_layer(precision):
    image = p.load("small.png")
    if precision != image.get_precision():
        image.convert_precision(precision)
    layer = image.get_layers()[0]
    plain = p.get(layer, None, ALPHA)
    one = effect(layer, "gegl:invert-gamma")
    layer.set_opacity(40.0)
    layer.set_mode(Gimp.LayerMode.MULTIPLY)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))
    layer.set_edit_mask(False)
    assert p.get(layer, None, ALPHA) == plain, "the pixels themselves do not show it"
    assert alike(unchanged(image, layer), inverted(plain))
    assert layer.get_filters() == [one]
    one.set_visible(False)
    assert alike(unchanged(image, layer), plain, 0)
    image.delete()


def whatever_is_locked():
    image = p.load("small.png")
    photo = image.get_layers()[0]
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    layer = Gimp.Layer.new(image, "part", 100, 80, KIND.RGBA_IMAGE, 100.0, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, group, 0)
    layer.set_offsets(40, 30)
    p.paint_photo(layer)
    plain = p.get(layer, None, ALPHA)
    for one in (layer, group):
        effect(one, "gegl:invert-gamma")
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
    layer.set_show_mask(True)
    assert alike(unchanged(image, layer), inverted(plain)), "the layer, not its mask"
    layer.set_show_mask(False)
    layer.set_lock_position(True)
    assert alike(unchanged(image, layer), inverted(plain))
    assert alike(unchanged(image, group), plain)
    layer.set_visible(False)
    layer.set_lock_visibility(True)
    assert alike(unchanged(image, layer), inverted(plain))
    assert (image.get_layers()[-1], layer.get_visible(), layer.get_lock_position()) == (photo, False, True)
    image.delete()


def around_a_small_layer():
    image = Gimp.Image.new_with_precision(300, 200, BASE.RGB, PRECISION.U8_NON_LINEAR)
    small = Gimp.Layer.new(image, "small", 50, 40, KIND.RGBA_IMAGE, 100.0, Gimp.LayerMode.NORMAL)
    image.insert_layer(small, None, 0)
    small.set_offsets(280, -10)  # partly outside of the canvas
    half = bytes((200, 30, 30, 255)) * 25 + bytes(4) * 25
    p.put(small, half * 40, ALPHA)
    effect(small, "gegl:dropshadow", x=20.0, y=0.0, radius=0.0, grow_radius=0.0, opacity=1.0)
    data = unchanged(image, small)
    row = [tuple(data[4 * x : 4 * x + 4]) for x in range(20 * 50, 21 * 50)]
    assert row[10] == (200, 30, 30, 255), row[10]
    assert row[35] == (0, 0, 0, 255), "its shadow on what was transparent"
    assert row[48] == (0, 0, 0, 0), row[48]
    image.delete()


def on_a_group():
    image = p.load("small.png")
    layer = image.get_layers()[0]
    plain = p.get(layer, None, ALPHA)
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    effect(layer, "gegl:invert-gamma")
    assert alike(unchanged(image, group), inverted(plain))
    effect(group, "gegl:invert-gamma")
    assert alike(unchanged(image, group), plain)
    image.delete()


def as_a_picture_to_paint_like():
    image = p.load("small.png")
    layer = image.get_layers()[0]
    other = layer.copy()
    image.insert_layer(other, None, 0)
    plain = p.get(p.paint(image, layer, picture_layer=other, area="everything"), None, ALPHA)
    effect(other, "gegl:invert-gamma")
    changed = p.get(p.paint(image, layer, picture_layer=other, area="everything"), None, ALPHA)
    assert not alike(plain, changed, 40), "its effects are part of the picture"
    image.delete()


def of_other_kinds():
    """Text, and what GIMP 3.2 has besides: a file that is linked to, and a shape."""
    image = p.load("small.png")
    Gimp.fonts_refresh()
    layers = [Gimp.TextLayer.new(image, "Impasto", Gimp.fonts_get_list("")[0], 60.0, Gimp.Unit.pixel())]
    if hasattr(Gimp, "LinkLayer"):
        layers.append(Gimp.LinkLayer.new(image, Gio.File.new_for_path(str(p.FOLDER / "small.png"))))
        path = Gimp.Path.new(image, "ring")
        image.insert_path(path, None, 0)
        path.bezier_stroke_new_ellipse(200.0, 200.0, 80.0, 60.0, 0.0)
        layers.append(Gimp.VectorLayer.new(image, path))
    for layer in layers:
        image.insert_layer(layer, None, 0)
        seen = p.get(layer, None, ALPHA)
        assert alike(unchanged(image, layer), seen, 0), layer
        p.say(f"a {type(layer).__name__} of {layer.get_width()} x {layer.get_height()}")
    image.delete()


def steps():
    for precision in (PRECISION.U8_NON_LINEAR, PRECISION.FLOAT_LINEAR):
        on_a_layer(precision)
    whatever_is_locked()
    around_a_small_layer()
    on_a_group()
    as_a_picture_to_paint_like()
    of_other_kinds()


p.run(steps)
