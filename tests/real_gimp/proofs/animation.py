# MODE=headless
"""Animations: all layers of a GIF and a WebP as frames, with their delays, into an image that can be saved as such."""

import gimp_prover as p
from gimp_prover import KIND, Gimp, Gio

GIF, WEBP = "disc.gif", "disc.webp"
DELAYS = [50, 120, 200, 100]


def names(image):
    return [layer.get_name() for layer in reversed(image.get_layers())]


def frames_of(image):
    return [p.get(layer, None, "R'G'B'A u8") for layer in reversed(image.get_layers())]


def paint(image, layer=None, **settings):
    """The image with the paintings."""
    first = p.paint(image, layer or image.get_layers()[0], frames="all", **settings)
    result = first.get_image()
    assert result != image
    assert first == result.get_layers()[-1]
    return result


def seen(name):
    return [(p.FOLDER / f"{name}-{number}").read_bytes() for number in range(len(DELAYS))]


def far(one, other):
    """The largest difference where both can be seen."""
    assert one[3::4] == other[3::4], "alpha"
    shown = [at for at in range(0, len(one), 4) if one[at + 3]]
    return max(abs(one[at + channel] - other[at + channel]) for at in shown for channel in range(3))


def exported(image, name):
    """The names of the layers when the image has been exported and opened again."""
    kind = name.rpartition(".")[2]
    procedure = Gimp.get_pdb().lookup_procedure(f"file-{kind}-export")
    config = procedure.create_config()
    config.set_property("run-mode", p.QUIET)
    config.set_property("image", image)
    config.set_property("file", Gio.File.new_for_path(str(p.FOLDER / name)))
    config.set_property({"gif": "as-animation", "webp": "animation"}[kind], True)
    assert procedure.run(config).index(0) == p.SUCCESS, Gimp.get_pdb().get_last_error()
    again = p.load(name)
    found = names(again)
    again.delete()
    return found


def files():
    for name in (GIF, WEBP):
        image = p.load(name)
        before = names(image), frames_of(image)
        p.say(f"{name}: {before[0]}")
        # With a strength of 0 each frame is what is seen of the animation, by another program's account.
        plain = paint(image, style="great-wave", strength=0.0)
        differences = [far(*both) for both in zip(frames_of(plain), seen(name), strict=True)]
        assert max(differences) <= 1, differences
        result = paint(image, style="great-wave")
        first = names(image)[0].split(" (")[0]
        titles = [first, "Frame 2", "Frame 3", "Frame 4"]
        assert names(result) == [f"{title} ({delay}ms) (replace)" for title, delay in zip(titles, DELAYS, strict=True)]
        painted = frames_of(result)
        assert len(set(painted)) == 4
        assert all(far(*both) > 30 for both in zip(painted, seen(name), strict=True)), "every frame is painted"
        assert (names(image), frames_of(image)) == before, "the image is untouched"
        again = exported(result, f"painted-{name}")
        p.say(f"exported: {again}")
        assert [delay for delay in DELAYS if any(f"({delay}ms)" in one for one in again)] == DELAYS
        for one in (plain, result, image):
            one.delete()
    assert len(Gimp.get_images()) == 0, "nothing of ours is left"


def tags():
    """What is laid over, what replaces, and where each is; hidden layers are frames, too, and a selection counts."""
    image, layer = p.new_image(64, 48)
    layer.set_name("Sky")
    whole = p.get(layer, None, "R'G'B'A u8")
    for name, x in (("over (80ms) (combine)", 8), ("alone (40ms)(replace)", 40)):
        part = Gimp.Layer.new(image, name, 16, 16, KIND.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(part, None, 0)
        part.set_offsets(x, 16)
        part.fill(Gimp.FillType.WHITE)
    image.get_layers()[0].set_visible(False)
    result = paint(image, style="udnie", strength=0.0)
    assert names(result) == ["Sky (replace)", "over (80ms) (replace)", "alone (40ms) (replace)"]
    sky, over, alone = frames_of(result)

    def at(data, x, y):
        return data[4 * (64 * y + x) : 4 * (64 * y + x) + 4]

    assert far(sky, whole) <= 1
    assert at(over, 12, 20) == at(alone, 44, 20) == bytes([255] * 4)
    assert at(over, 44, 20) == at(sky, 44, 20)
    assert at(alone, 12, 20)[3] == 0, "it replaces what was before it"
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 20, 48)
    part = frames_of(paint(image, style="udnie"))[1]
    assert at(part, 44, 20) == at(over, 44, 20), "beside the selection as it is"
    assert at(part, 12, 20) != at(over, 12, 20)


def refused():
    image = p.load(GIF)
    status, _, error = p.call(p.STYLE_TRANSFER, image, [image.get_layers()[0]], style="nonsense", frames="all")
    assert status == p.ERROR
    assert "nonsense" in error, error
    assert Gimp.get_images() == [image], "nothing half done"
    image.delete()


def steps():
    files()
    tags()
    for image in Gimp.get_images():
        image.delete()
    refused()


p.run(steps)
