"""The dialogs as a user sees them, for people to look at: both colour schemes, both languages."""

import time

import gimp_prover as p
from gimp_prover import Gimp


def steps():
    image = p.load("small.png")
    p.show(image)
    language = "zh" if "zh" in __import__("os").environ.get("LANGUAGE", "") else "en"
    p.search_action("impasto-style-transfer" if language == "zh" else "style transfer")
    place = p.window("Style Transfer|风格迁移")
    time.sleep(3)
    p.say(f"the dialog is at {place}")
    p.shot(f"dialog-{language}", place)
    p.shot(f"screen-{language}")
    p.key("Escape")
    time.sleep(1)
    assert Gimp.get_images()


p.run(steps)
