"""What is set once: by the dialog, which the button in Style Transfer opens, and by a script."""

import json
import time
from pathlib import Path

import gimp_prover as p
from gimp_prover import Gimp, Gio

SETTINGS = "plug-in-impasto-settings"
PATH = Path(Gimp.directory()) / "impasto-settings.json"


def change(**settings):
    procedure = Gimp.get_pdb().lookup_procedure(SETTINGS)
    config = procedure.create_config()
    config.set_property("run-mode", p.QUIET)
    for key, value in settings.items():
        config.set_property(key.replace("_", "-"), value)
    assert procedure.run(config).index(0) == p.SUCCESS, Gimp.get_pdb().get_last_error()
    return json.loads(PATH.read_text())


def by_script():
    kept = change(language="zh_CN", unload_after=3)
    assert (kept["language"], kept["unload_after"], kept["invitation"]) == ("zh_CN", "3", ""), kept
    image, layer = p.new_image(64, 48)
    status, _, error = p.call(p.STYLE_TRANSFER, image, [layer], style="nonsense")
    assert status == p.ERROR
    assert "没有风格" in error, error
    p.say(error)

    invitation = p.FOLDER / "missing-invitation.json"
    kept = change(invitation=Gio.File.new_for_path(str(invitation)))
    assert (kept["language"], kept["invitation"]) == ("auto", str(invitation)), "what is left out is set back"
    status, _, error = p.call(p.STYLE_TRANSFER, image, [layer], style="udnie")
    assert status == p.ERROR, "the server on this machine is not taken for the other one"
    assert "invitation" in error, error
    p.say(error)
    change()
    p.paint(image, layer, style="udnie")
    image.delete()
    p.say("a script sets the language and the server, and sets them back")


def by_hand():
    image = p.load("small.png")
    p.show(image)
    x, y = p.open_dialog()
    p.settled("settings-button", "^Style Transfer$")
    p.click(x + 1018, y + 427)
    p.window("Settings of Style Transfer")
    p.shot("settings-once", "Settings of Style Transfer")
    p.key("alt+u")
    p.key("ctrl+a")
    p.write("7")
    p.key("Tab")
    p.key("alt+o")
    p.gone("Settings of Style Transfer")
    time.sleep(1.0)
    assert json.loads(PATH.read_text())["unload_after"] == "7"
    p.settled("settings-once-after", "^Style Transfer$")
    p.key("alt+p")
    p.layers(image, 2)
    p.say("set by hand; the dialog connects anew and paints")


def steps():
    PATH.unlink(missing_ok=True)
    try:
        by_script()
        by_hand()
    finally:
        PATH.unlink(missing_ok=True)


p.run(steps)
