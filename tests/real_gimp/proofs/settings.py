"""GIMP's buttons for settings: what they bring back is what is seen, and what is painted."""

import time

import gimp_prover as p

#: The gallery, or the page for a picture; the preview; the settings below it.
AREAS = (24, 20, 610, 690), (640, 20, 400, 390), (640, 430, 400, 290)


def looks(name):
    """The parts of the dialog that show the settings, once the preview has followed."""
    p.ask("hover", x=2, y=990)
    # So that the keyboard always is at the same place, and has been at the same places before.
    p.key("alt+t alt+u alt+k alt+k")
    whole = p.settled(f"settings-{name}", "^Style Transfer$")
    return [whole.new_subpixbuf(*area).copy().get_pixels() for area in AREAS]


def press(button):
    """One of the two buttons at the lower left. Pressed by its letter, it would not have gone off before the next."""
    x, y, _, height = p.window("^Style Transfer$")
    p.click(x + (100 if button == "Load" else 278), y - 20 + height - 93)


def choose(place, column, strength):
    """A style of the first row, and a strength."""
    x, y = place
    p.click(x + 84 + 114 * column, y + 160)
    p.key("alt+t")
    p.key("ctrl+a")
    p.write(strength)
    p.key("Tab")


def reset(words):
    """An entry of the menu of the button Reset: the values the dialog came with, or those of the plug-in."""
    p.key("alt+r")
    time.sleep(1.0)
    if words == "factory defaults":
        p.key("Down")
    p.key("Return")
    time.sleep(1.0)


def steps():
    image = p.load("small.png")
    p.show(image)
    x, y = p.open_dialog()
    fresh = looks("fresh")
    choose((x, y), 1, "70")
    p.key("alt+k")
    saved = looks("saved")
    press("Save")
    choose((x, y), 2, "40")
    p.key("alt+k")
    other = looks("other")
    assert all(one != two for one, two in zip(saved, other, strict=True))
    press("Load")
    assert looks("loaded") == saved, "loaded: the gallery, the preview and the sliders follow"

    p.click(x + 205, y + 40)  # the page for a picture
    p.choose_picture("large.png")
    picture = looks("picture")
    assert picture[1] != saved[1]
    press("Load")
    assert looks("loaded-again") == saved, "from a picture back to the style"

    reset("factory defaults")
    assert looks("defaults") == fresh, "reset"
    press("Load")
    assert looks("loaded-after-reset") == saved
    p.key("alt+p")
    painting = p.layers(image, 2)[0]
    kept = p.parameters(painting)
    assert (kept["styles"], kept["strength"], kept["keep_colors"]) == ([["great-wave", 1.0]], 0.7, True), kept
    p.say("Save, Load and Reset: the gallery, the sliders and the preview follow")

    # The dialog comes up with the last values now, and can go back to them.
    x, y = p.open_dialog()
    assert looks("last-values") == saved
    choose((x, y), 3, "20")
    reset("initial values")
    assert looks("initial") == saved
    # A picture is saved, too.
    p.click(x + 205, y + 40)
    p.choose_picture("large.png")
    shown = looks("picture-saved")
    press("Save")
    reset("factory defaults")
    assert looks("picture-reset") == fresh
    press("Load")
    assert looks("picture-loaded") == shown
    p.key("alt+p")
    kept = p.parameters(p.layers(image, 3)[0])
    assert kept["styles"][0][0].endswith("large.png"), kept
    p.say("so they do with a picture")


p.run(steps)
