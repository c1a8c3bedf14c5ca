"""A refinement: from a script, and with its window: the picture so far is shown, the work ended early and kept."""

import time

import gimp_prover as p


def note(name):
    """What the server notes about a painting, which GIMP shows."""
    p.window("GIMP Message", 10)
    p.shot(name)
    p.key("Return")
    p.gone("GIMP Message")


def script():
    image, layer = p.new_image(128, 96)
    began = time.monotonic()
    plain = p.paint(image, layer, style="great-wave")
    status, refined, error = p.call(p.STYLE_TRANSFER, image, [layer], style="great-wave", refine="draft")
    if "no picture of the style" in error:
        p.say(f"NOT TRIED: {error}")
        return False
    assert status == p.SUCCESS, error
    assert p.get(refined) != p.get(plain)
    note("refinement-note-to-script")
    p.say(f"a refinement as a draft, 128 x 96: {time.monotonic() - began:.0f} s")
    image.delete()
    return True


def window():
    image = p.load("small.png")
    p.show(image)
    p.open_from_menu("style transfer", "Style Transfer")
    time.sleep(1.5)
    # An open list does not hear a machine's hand; reached by Tab the field stays closed and obeys the arrows.
    for keys in ("alt+k", "alt+k", "shift+Tab", "shift+Tab", "Down", "Down", "Down"):
        p.key(keys)
    time.sleep(0.5)
    p.shot("refinement-chosen", "^Style Transfer$")
    p.key("alt+p")
    # The window of the progress bears the same title, but is less wide than the dialog, and low without a picture.
    p.wait_for(
        lambda: (place := p.ask("window", title="^Style Transfer$")) and place[2] < 700 and place[3] > 300,
        "the picture so far",
        60,
    )
    time.sleep(2.0)
    p.shot("refinement", "^Style Transfer$")
    p.window("^Style Transfer$")
    p.key("alt+k")
    began = time.monotonic()
    p.wait_for(lambda: len(image.get_layers()) == 2, "what there was")
    p.say(f"kept what there was after {time.monotonic() - began:.1f} s")
    note("refinement-note")
    p.say("GIMP says that VGG-19 was not there")


def steps():
    if script():
        window()


p.run(steps)
