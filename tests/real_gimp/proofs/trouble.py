"""Bad situations while a script waits for its painting: a sentence each, nothing lost."""

import os
import time
from pathlib import Path

import gimp_prover as p
from gimp_prover import Gimp, Gio


def expect(parts, image, layer, **settings):
    status, _, error = p.call(p.STYLE_TRANSFER, image, [layer], **settings)
    p.say(error)
    assert status == p.ERROR, status
    assert all(part in error for part in parts), error


def killed():
    image = p.load("4k.png")
    before = p.get(image.get_layers()[0])
    p.later(1.2, "kill-server")
    expect(["The server ended in the middle of the work"], image, image.get_layers()[0])
    assert len(image.get_layers()) == 1
    assert p.get(image.get_layers()[0]) == before
    small = p.load("small.png")
    p.paint(small, small.get_layers()[0])
    p.say("the next run started the server and painted")


def other_version():
    """A plug-in that was installed with another version than the server's."""
    plugin = Path(os.environ["XDG_CONFIG_HOME"]) / "GIMP" / Gimp.directory().rpartition("/")[2] / "plug-ins"
    codec = plugin / "impasto_gimp" / "vendor" / "impasto_link" / "codec.py"
    right = codec.read_text()
    codec.write_text(right.replace("\nPROTOCOL = ", "\nPROTOCOL = 99 + "))
    image = p.load("small.png")
    try:
        expect(["different versions"], image, image.get_layers()[0])
    finally:
        codec.write_text(right)
    p.paint(image, image.get_layers()[0])


def no_models():
    """The folder of the models is not there any more."""
    p.ask("restart-server", environment={"IMPASTO_MODELS": "/nowhere/at/all"})
    image = p.load("small.png")
    p.paint(image, image.get_layers()[0])
    p.say("without a folder of models of one's own those that came with Impasto paint")
    expect(["no style 'mine'"], image, image.get_layers()[-1], style="mine")
    p.ask("restart-server", environment={})


def no_shipped_models():
    """An installation in which the models that come with Impasto are missing."""
    bare = p.FOLDER / "bare"
    bare.mkdir(exist_ok=True)
    for name in ("impasto", "impasto_link"):
        (bare / name).unlink(missing_ok=True)
        (bare / name).symlink_to(Path(os.environ["PROOF"]).parents[3] / "backend" / name)
    p.ask("restart-server", environment={"PYTHONPATH": str(bare), "IMPASTO_MODELS": "/nowhere/at/all"})
    image = p.load("small.png")
    layer = image.get_layers()[0]
    before = p.get(layer)
    expect(["The models of Impasto are not in", "Install Impasto again"], image, layer)
    expect(["is not installed"], image, layer, picture=Gio.File.new_for_path(str(p.FOLDER / "small.png")))
    status, _, error = p.call(p.FIND_SUBJECT, image, [layer])
    p.say(error)
    assert status == p.ERROR
    assert len(image.get_layers()) == 1
    assert p.get(layer) == before
    assert layer.get_mask() is None
    p.show(image)
    p.open_dialog()
    p.settled("no-styles", "^Style Transfer$")
    p.key("Escape")
    p.gone("^Style Transfer$")
    assert len(image.get_layers()) == 1
    p.ask("restart-server", environment={})
    p.paint(image, layer)


def steps():
    killed()
    other_version()
    no_models()
    no_shipped_models()
    # What was refused can be tried again in the same GIMP.
    image = p.load("small.png")
    began = time.monotonic()
    p.paint(image, image.get_layers()[0])
    p.say(f"and GIMP paints on, {time.monotonic() - began:.1f} s")


p.run(steps)
