# MODE=headless
"""Scripts: exported pixels, areas, two styles, flat results, and all that is refused, in words."""

import sys
from pathlib import Path

import gimp_prover as p
from gimp_prover import BASE, KIND, Gimp, Gio


def exported(image, name):
    """The whole image as a PNG would show it."""
    path = p.FOLDER / name
    flat = image.duplicate()
    flat.flatten()
    Gimp.file_save(p.QUIET, flat, Gio.File.new_for_path(str(path)), None)
    flat.delete()
    again = p.load(name)
    data = p.get(again.get_layers()[0], None, "R'G'B' u8")
    again.delete()
    return data


def at(data, x, y, width=512):
    return tuple(data[3 * (y * width + x) : 3 * (y * width + x) + 3])


def good():
    image = p.load("small.png")
    source = image.get_layers()[0]
    before = exported(image, "before.png")
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 100, 80, 200, 160)
    Gimp.Selection.feather(image, 20)
    painting = p.paint(image, source, style="great-wave")
    after = exported(image, "after.png")
    assert at(after, 5, 5) == at(before, 5, 5), "untouched outside"
    assert at(after, 500, 500) == at(before, 500, 500)
    pixels = p.get(painting, None, "R'G'B' u8")
    x, y = p.offsets(painting)
    inside = at(pixels, 200 - x, 160 - y, painting.get_width())
    assert at(after, 200, 160) == inside != at(before, 200, 160), "the painting inside"
    edge = at(after, 102, 160)
    assert edge not in (at(before, 102, 160), at(pixels, 102 - x, 160 - y, painting.get_width())), "mixed at the edge"
    p.say("exported pixels: painted inside, mixed at the soft edge, untouched outside")

    wide = p.paint(image, source, style="great-wave", area="everything")
    assert wide.get_mask() is None
    assert (wide.get_width(), wide.get_height()) == (512, 512)
    assert image.get_layers()[0] == wide, "above the earlier painting, not hidden by it"
    soft = p.paint(image, source, style="great-wave", feather=10.0)
    assert soft.get_width() > painting.get_width(), "feathered beyond the selection"
    Gimp.Selection.none(image)
    subject = p.paint(image, source, style="udnie", area="subject", feather=2.0)
    background = p.paint(image, source, style="udnie", area="background", feather=2.0)
    one, two = (p.get(layer.get_mask(), None, "Y u8") for layer in (subject, background))
    assert one[512 * 100 + 220] > 200 > 50 > two[512 * 100 + 220], "the head is subject"
    assert max(abs(a + b - 255) for a, b in zip(one, two, strict=True)) <= 2, "both areas are one picture"
    flat = p.paint(image, source, style="udnie", area="subject", result="flat")
    assert flat.get_mask() is None
    both = p.paint(image, source, style="udnie", background_style="the-scream")
    assert both.get_mask() is None
    mixed = p.paint(image, source, style="udnie:2, the-scream", keep_colors=True, strength=0.7, brush=2.0)
    assert mixed.get_name()
    assert all(b'"source"' in bytes(one.get_parasite("impasto").get_data()) for one in image.get_layers()[:-1])
    status, _, error = p.call(p.FIND_SUBJECT, image, [source], feather=3.0)
    assert status == p.SUCCESS, error
    assert source.get_mask() is not None
    assert not source.get_edit_mask()
    # What the mask hides stays hidden in a painting, also in a part of the layer, and only while the mask is in effect.
    hidden = p.get(source.get_mask(), None, "Y u8")
    for settings in ({"area": "everything"}, {"area": "everything", "result": "flat"}, {"area": "subject"}):
        shape = p.paint(image, source, style="udnie", **settings).get_mask()
        assert shape is not None, settings
        assert all(a <= b for a, b in zip(p.get(shape, None, "Y u8"), hidden, strict=True)), settings
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 150, 0, 100, 512)
    shape = p.paint(image, source, style="udnie").get_mask()
    part = b"".join(hidden[y * 512 + 150 : y * 512 + 250] for y in range(512))
    assert p.get(shape, None, "Y u8") == part
    Gimp.Selection.none(image)
    source.set_apply_mask(False)
    assert p.paint(image, source, style="udnie", area="everything").get_mask() is None
    count = len(image.get_layers())
    p.say(f"{count - 1} paintings and a mask of the subject")
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(flat, group, 0)
    on_group = p.paint(image, group, style="udnie", area="everything")
    assert on_group.get_width() == 512
    # The layer is for scripts only: what GIMP is told after a click it keeps for longer than the image may live.
    count = len(image.get_layers())
    status, painting, error = p.call(p.STYLE_TRANSFER, image, [source], mode=Gimp.RunMode.WITH_LAST_VALS)
    assert status == p.SUCCESS, error
    assert (painting, len(image.get_layers())) == (None, count + 1)
    image.delete()


def refused():
    image, layer = p.new_image(64, 48)
    second = layer.copy()
    image.insert_layer(second, None, 0)

    def expect(part, image, drawables, procedure=p.STYLE_TRANSFER, **settings):
        count = len(image.get_layers())
        status, _, error = p.call(procedure, image, drawables, **settings)
        assert status != p.SUCCESS, status
        assert part in error, error
        assert len(image.get_layers()) == count, "nothing is lost and nothing is added"
        p.say(error)

    expect("2 layers are selected", image, [layer, second])
    expect("0 layers are selected", image, [])
    expect("is a channel", image, [image.get_selection()])
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    expect("mask of the layer", image, [mask])
    expect("has a mask already", image, [layer], p.FIND_SUBJECT)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 10, 10)
    second.set_offsets(50, 40)
    expect("lies outside of the layer", image, [second])
    Gimp.Selection.none(image)
    expect("nonsense", image, [second], style="nonsense")
    expect("Choose a style first", image, [second], style="")
    missing = Gio.File.new_for_path(str(p.FOLDER / "missing.png"))
    expect("missing.png is not there any more", image, [second], picture=missing)
    (p.FOLDER / "no-picture.png").write_text("words")
    expect(
        "no-picture.png cannot be opened",
        image,
        [second],
        picture=Gio.File.new_for_path(str(p.FOLDER / "no-picture.png")),
    )
    expect("cannot be opened", image, [second], picture=Gio.File.new_for_path(str(p.FOLDER)))
    indexed = Gimp.Image.new(16, 16, BASE.INDEXED)
    one = Gimp.Layer.new(indexed, "one", 16, 16, KIND.INDEXED_IMAGE, 100, Gimp.LayerMode.NORMAL)
    indexed.insert_layer(one, None, 0)
    expect("indexed colours", indexed, [one])
    blank = Gimp.Image.new(64, 64, BASE.RGB)
    empty = Gimp.Layer.new(blank, "empty", 64, 64, KIND.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    blank.insert_layer(empty, None, 0)
    expect("subject", blank, [empty], area="subject")


def changed():
    """What the user may do while the dialog asks, and while it is painted; by the plug-in's own functions."""
    plugin = Path(Gimp.directory()) / "plug-ins" / "impasto_gimp"
    sys.path[:0] = [str(plugin), str(plugin / "vendor")]
    from impasto_editor.choices import Choices
    from impasto_filter import host
    from impasto_link.errors import Problem

    def remark(change):
        image, layer = p.new_image(64, 48)
        source = host.find_source(layer, use_selection=False)
        region = host.read(source)["pixels"]
        change(image)
        painting, said = host.place(source, region, None, "painting", group=False, kept=Choices().to_json())
        assert painting.get_image() == image
        image.delete()
        return said

    assert remark(lambda image: None) == ""
    assert remark(lambda image: image.convert_precision(p.PRECISION.FLOAT_LINEAR)) == ""
    for change in (lambda image: image.crop(32, 24, 20, 10), lambda image: image.scale(32, 24)):
        said = remark(change)
        assert "another size" in said, said
    p.say(said)

    for change in (lambda image, layer: image.remove_layer(layer), lambda image, layer: image.delete()):
        image, layer = p.new_image(64, 48)
        change(image, layer)
        try:
            host.find_source(layer, use_selection=True)
        except Problem as problem:
            assert "not there any more" in str(problem), problem
        else:
            raise AssertionError("what was deleted can be painted")


def times():
    import time

    for name in ("large.png", "4k.png"):
        image = p.load(name)
        took = []
        for _ in range(2):
            began = time.perf_counter()
            p.paint(image, image.get_layers()[-1], style="great-wave")
            took.append(time.perf_counter() - began)
        size = image.get_layers()[0]
        p.say(f"{size.get_width()} x {size.get_height()}: {min(took):.2f} s from the call to the layer")
        image.delete()
    image, layer = p.new_image(16, 16)
    began = time.perf_counter()
    p.call(p.STYLE_TRANSFER, image, [layer, layer])
    p.say(f"start-up of the plug-in's process, until it refuses: {time.perf_counter() - began:.2f} s")


def steps():
    good()
    refused()
    changed()
    times()


p.run(steps)
