"""Bad situations while a script waits for its painting: a sentence each, nothing lost."""

import os
import time
from pathlib import Path

import gimp_prover as p
from gimp_prover import Gimp


def expect(parts, image, layer, **settings):
    status, _, error = p.call(p.STYLE_TRANSFER, image, [layer], **settings)
    p.say(error)
    assert status == p.ERROR, status
    assert all(part in error for part in parts), error


def closed():
    """The user closes the image while it is painted."""
    image = p.load("4k.png")
    p.show(image)
    image.clean_all()
    p.window("GIMP$")
    p.later(1.5, "key", keys="ctrl+w")
    expect(["The image was closed"], image, image.get_layers()[0])
    assert not image.is_valid()
    p.wait_for(lambda: p.jobs() == 0, "the server drops the job", 5)


def deleted():
    """The layer is deleted while it is painted: by the keyboard, for this script waits."""
    image = p.load("4k.png")
    top = image.get_layers()[0]
    below = top.copy()
    image.insert_layer(below, None, 1)
    image.set_selected_layers([top])
    p.show(image)
    p.later(1.2, "key", keys="slash")
    p.later(2.2, "type", words="delete layers")
    p.later(3.2, "key", keys="Return")
    status, painting, error = p.call(p.STYLE_TRANSFER, image, [top])
    assert status == p.SUCCESS, error
    if top.is_valid():
        p.say("the layer was deleted too late to matter")
    else:
        assert image.get_layers() == [painting, below]
        p.say("the layer was deleted meanwhile; the painting is on top")


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
    codec.write_text(right.replace("PROTOCOL = 1", "PROTOCOL = 99"))
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
    expect(["no style 'mine'", "impasto styles"], image, image.get_layers()[-1], style="mine")
    p.ask("restart-server", environment={})


def steps():
    closed()
    deleted()
    killed()
    other_version()
    no_models()
    # What was refused can be tried again in the same GIMP.
    image = p.load("small.png")
    began = time.monotonic()
    p.paint(image, image.get_layers()[0])
    p.say(f"and GIMP paints on, {time.monotonic() - began:.1f} s")


p.run(steps)
