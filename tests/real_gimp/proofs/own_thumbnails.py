"""The gallery shows the layer itself in every style, all of it whatever is selected; a painting waits for none."""

from gi.repository import GLib

import gimp_prover as p
from gimp_prover import GdkPixbuf, Gegl

#: Of the gallery's pictures, and of what is sent and comes back.
SIDE, SENT, MADE = 92, 320, 160
BILINEAR = GdkPixbuf.InterpType.BILINEAR
STYLES = ("starry-night", "great-wave", "the-scream", "udnie")


def read_small(layer):
    """A square layer, as the filter reads it where it reads it for this."""
    small = Gegl.Rectangle.new(0, 0, SENT, SENT)
    return bytes(layer.get_buffer().get(small, SENT / layer.get_width(), "R'G'B'A u8", Gegl.AbyssPolicy.NONE))


def made_small(layer):
    """The same, from pixels that the filter has read for the preview."""
    side = layer.get_width()
    return pixbuf(p.get(layer, name="R'G'B'A u8"), side).scale_simple(SENT, SENT, BILINEAR).get_pixels()


def pixbuf(pixels, side):
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(pixels), GdkPixbuf.Colorspace.RGB, True, 8, side, side, 4 * side
    )


def expected(pixels, style):
    """The picture of a style, as it has to be somewhere in the gallery."""
    options = {"styles": [[style, 1.0]], "max_side": MADE}
    answer = p.reference({"pixels": (p.description(SENT, SENT), pixels)}, options, op="preview")["pixels"][1]
    return pixbuf(answer, MADE).scale_simple(SIDE, SIDE, BILINEAR)


def row(picture, y, left, right):
    channels, start = picture.get_n_channels(), y * picture.get_rowstride()
    data = picture.get_pixels()[start + channels * left : start + channels * right]
    return b"".join(data[i : i + 3] for i in range(0, len(data), channels))


def shows(screen, picture):
    """Whether the middle row of a picture is somewhere on the screen."""
    wanted = row(picture, SIDE // 2, 4, SIDE - 4)
    return any(wanted in row(screen, y, 0, screen.get_width()) for y in range(screen.get_height()))


def check(name, pixels):
    """Open the dialog and see the layer in every style there."""
    wanted = [expected(pixels, style) for style in STYLES]
    place = p.open_dialog()
    p.ask("hover", x=0, y=0)
    screen = p.settled(name, "^Style Transfer$")
    assert all(shows(screen, one) for one in wanted), [shows(screen, one) for one in wanted]
    p.say(f"{name}: the layer in every style, byte by byte")
    return place


def close():
    p.key("Escape")
    p.gone("^Style Transfer$")


def steps():
    image = p.load("small.png")
    source = image.get_layers()[0]
    p.show(image)
    check("own-thumbnails", made_small(source))
    close()
    image.select_rectangle(2, 300, 300, 100, 100)
    check("own-thumbnails-selection", read_small(source))
    close()

    # At once, while they are being made.
    x, y = p.open_dialog()
    p.click(x + 180, y + 160)
    p.key("alt+p")
    painting, _ = p.layers(image, 2)
    assert p.parameters(painting)["styles"] == [["great-wave", 1.0]]
    p.wait_for(lambda: p.jobs() == 0, "no thumbnail is left with the server", 5)

    image.set_selected_layers([painting])
    check("own-thumbnails-again", read_small(source))  # which is painted again, and not the painting
    close()


p.run(steps)
