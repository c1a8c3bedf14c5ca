"""The dialogs as a user sees them, for people to look at: both colour schemes, both languages."""

import os
import time

import gimp_prover as p
from gimp_prover import Gimp


def steps():
    image = p.load("small.png")
    p.show(image)
    chinese = os.environ.get("LANGUAGE", "").startswith("zh")
    transfer, subject, name = ("风格迁移", "查找主体", "zh") if chinese else ("Style Transfer", "Find Subject", "en")
    for procedure, title in ((p.STYLE_TRANSFER, transfer), (p.FIND_SUBJECT, subject)):
        p.open_from_menu(title, title)
        # Away from where a tip would come up.
        p.ask("hover", x=0, y=0)
        time.sleep(3)
        p.shot(f"{procedure.removeprefix('plug-in-impasto-')}-{name}", f"^{title}$")
        p.key("Escape")
        p.gone(f"^{title}$")
    assert len(image.get_layers()) == 1
    assert image.get_layers()[0].get_mask() is None
    assert Gimp.get_images()


p.run(steps)
