"""An engine that the filter has never heard of: in the dialog, with a row of its own, and in scripts."""

import os
import time
from pathlib import Path

import gimp_prover as p


def negative(data):
    return bytes(value if place % 4 == 3 else 255 - value for place, value in enumerate(data))


def is_negative(one, other):
    """Within a rounding."""
    return max(abs(a - b) for a, b in zip(p.get(one), negative(p.get(other)), strict=True)) <= 1


def by_script():
    image, layer = p.new_image(96, 64)
    painted = p.paint(image, layer, style="udnie", engine="dummy")
    assert is_negative(painted, layer)
    assert p.parameters(painted)["engine"] == "dummy"
    none = p.paint(image, layer, style="udnie", engine="dummy", settings="amount=0")
    assert p.get(none) == p.get(layer)
    assert p.parameters(none)["settings"] == {"amount": 0}
    for settings, words in ({"settings": "nonsense=1"}, "nonsense"), ({"engine": "nothing"}, "nothing"):
        status, _, error = p.call(p.STYLE_TRANSFER, image, [layer], **{"style": "udnie", "engine": "dummy", **settings})
        assert status == p.ERROR
        assert words in error, error
        p.say(error)
    image.delete()


def by_hand():
    image = p.load("small.png")
    p.show(image)
    p.open_dialog()
    p.key("alt+m")  # More
    p.settled("engine-more", "^Style Transfer$")
    p.key("alt+g")  # Engine
    p.key("End")
    time.sleep(1.0)
    p.settled("engine-chosen", "^Style Transfer$")
    p.key("alt+p")
    painted = p.layers(image, 2)[0]
    assert p.parameters(painted)["engine"] == "dummy", p.parameters(painted)
    assert is_negative(painted, image.get_layers()[1])
    p.say("chosen in the dialog, which shows what it has of its own")


def steps():
    folder = Path(os.environ["PROOF"]).parents[2] / "dummy_engine"
    p.ask("restart-server", environment={"PYTHONPATH": str(folder)})
    try:
        by_script()
        by_hand()
    finally:
        p.ask("restart-server", environment={})


p.run(steps)
