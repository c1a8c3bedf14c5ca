"""The frames of an animation in the dialog: offered where there are some, painted into another image, cancelled."""

import time

import gimp_prover as p
from gimp_prover import Gimp


def steps():
    still = p.load("small.png")
    display = p.show(still)
    p.open_dialog()
    p.shot("animation-none", "^Style Transfer$")
    p.key("Escape")
    p.gone("^Style Transfer$")
    display.delete()

    # A GIF as it is opened: indexed colours, of which all frames are the only choice.
    image = p.load("disc.gif")
    display = p.show(image)
    p.open_dialog()
    p.shot("animation-gif", "^Style Transfer$")
    p.key("alt+p")
    p.gone("^Style Transfer$")
    # On the way there are copies of the image.
    p.wait_for(lambda: any("(replace)" in p.names(one)[0] for one in Gimp.get_images() if p.names(one)), "frames", 60)
    p.wait_for(lambda: len(Gimp.get_images()) == 2, "the new image", 60)
    time.sleep(1.0)
    result = next(one for one in Gimp.get_images() if one != image)
    assert len(result.get_layers()) == 4, p.names(result)
    assert all("(replace)" in name for name in p.names(result)), p.names(result)
    assert "(replace)" not in "".join(p.names(image))
    assert image.get_base_type() == Gimp.ImageBaseType.INDEXED
    p.shot("animation-painted")
    display.delete()

    # Frames of RGB, of which one could be painted, too; cancelled in the middle, nothing is left.
    frames = p.load("large.png")
    layer = frames.get_layers()[0]
    for number in (2, 3):
        other = layer.copy()
        frames.insert_layer(other, None, 0)
        other.set_name(f"Frame {number} (100ms)")
    frames.set_selected_layers([layer])
    p.show(frames)
    images = len(Gimp.get_images())
    p.open_dialog()
    p.key("alt+e")
    p.key("Tab")
    p.key("Down")
    p.shot("animation-rgb", "^Style Transfer$")
    p.key("alt+p")
    p.wait_for(lambda: len(Gimp.get_images()) > images, "copies", 20)
    p.wait_for(lambda: (place := p.ask("window", title="^Style Transfer$")) and place[2] < 600, "the progress")
    p.shot("animation-progress")
    p.key("alt+c")
    p.gone("^Style Transfer$")
    p.wait_for(lambda: p.jobs() == 0, "the server drops the job", 10)
    p.wait_for(lambda: len(Gimp.get_images()) == images, "nothing half done", 10)
    assert len(frames.get_layers()) == 3


p.run(steps)
