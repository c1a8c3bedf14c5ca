# MODE=headless
"""No server runs: the plug-in starts one, and paints."""

import time

import gimp_prover as p


def steps():
    assert not (p.FOLDER / "started").exists()
    image, layer = p.new_image(64, 64)
    began = time.perf_counter()
    p.paint(image, layer, style="udnie")
    assert (p.FOLDER / "started").exists(), "the plug-in has started the server"
    p.say(f"the server was started, and painted, within {time.perf_counter() - began:.1f} s")


p.run(steps)
