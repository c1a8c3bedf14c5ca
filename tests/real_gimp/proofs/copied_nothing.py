"""Where the clipboard has no picture the dialog says so, and it does not wait for a program that is slow to give it."""

import time

import gimp_prover as p


def steps():
    image = p.load("small.png")
    p.show(image)
    owner = p.copied("text/uri-list", "none.png")
    x, y = p.open_clipboard()
    p.settled("copied-file-gone", "^Style Transfer$")
    owner.terminate()
    owner.wait()
    p.key("alt+d")
    p.settled("copied-nothing", "^Style Transfer$")
    p.key("Escape")
    p.gone("^Style Transfer$")
    p.say("without a picture there is a sentence")

    # Who has it takes its time; the dialog goes on and what is chosen meanwhile counts.
    owner = p.copied("image/png", "large.png", 60)
    x, y = p.open_clipboard()
    p.click(x + 85, y + 40)
    time.sleep(0.5)
    p.click(x + 180, y + 160)
    styles = p.painted(image, 2)[1]
    assert styles[-1] == ["great-wave", 1.0], styles
    assert owner.poll() is None
    owner.kill()
    p.say("the dialog does not wait for who is slow to give it")


p.run(steps)
