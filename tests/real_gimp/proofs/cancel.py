"""Cancel in our own window, and GIMP's, which kills the plug-in: the server drops the job, nothing is left behind."""

import time

import gimp_prover as p


def dropped():
    """Seconds until the server has no job any more."""
    began = time.monotonic()
    p.wait_for(lambda: p.jobs() == 0, "the server drops the job", 10)
    return time.monotonic() - began


def steps():
    image = p.load("4k.png")
    p.show(image)
    p.begin()
    p.shot("progress", "^Style Transfer$")
    p.window("^Style Transfer$")
    p.key("alt+c")
    p.say(f"Cancel in our window: the job was dropped within {dropped():.2f} s")
    p.gone("^Style Transfer$")
    assert len(image.get_layers()) == 1
    assert not p.is_open("GIMP Message"), "what the user wanted is no error"

    p.begin()
    p.shot("status-bar")
    x, y, width, height = p.ask("window", title="GIMP$")
    p.say(f"GIMP's window: {x}, {y}, {width} x {height}")
    p.click(*p.status_bar_cancel(x, y, width, height))
    p.shot("status-bar-clicked")
    seconds = dropped()
    p.say(f"Cancel in GIMP's status bar: the job was dropped within {seconds:.2f} s")
    assert seconds < 3.0
    p.gone("^Style Transfer$")
    assert len(image.get_layers()) == 1

    # And GIMP lives on.
    small = p.load("small.png")
    p.paint(small, small.get_layers()[0], style="udnie")
    small.delete()


p.run(steps)
