"""The dialog, opened from the menu and driven by keys and clicks; undo, redo, Repeat, again with changes, the star."""

import json
import os
import time
from pathlib import Path

import gimp_prover as p
from gimp_prover import Gimp


def steps():
    image = p.load("small.png")
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 120, 60, 260, 300)
    Gimp.Selection.feather(image, 30)
    p.show(image)
    background = image.get_layers()[0]

    x, y = p.open_dialog()
    p.click(x + 180, y + 160)  # the second picture
    p.key("alt+t")  # Strength
    p.key("ctrl+a")
    p.write("70")
    p.key("Tab")
    p.key("alt+k")  # Keep colours
    time.sleep(1.5)
    p.shot("dialog-changed", "^Style Transfer$")
    p.key("alt+p")
    painting, _ = p.layers(image, 2)
    kept = p.parameters(painting)
    p.say(f"painted with {kept}")
    assert kept["styles"] == [["great-wave", 1.0]], "a click chose the style"
    assert kept["strength"] == 0.7
    assert kept["keep_colors"]
    assert painting.get_name() == "The Great Wave off Kanagawa"
    assert painting.get_mask() is not None
    pixels = p.get(painting)
    p.shot("painted")

    p.window("GIMP$")
    p.key("ctrl+z")
    p.wait_for(lambda: p.names(image) == ["Background"] or len(image.get_layers()) == 1, "one step of undo")
    p.key("ctrl+y")
    p.wait_for(lambda: len(image.get_layers()) == 2, "redo")
    painting = image.get_layers()[0]
    assert painting.get_mask() is not None, "undo and redo take the mask along"
    assert p.get(painting) == pixels
    assert not painting.get_edit_mask(), "nor does redo give the mask to the brush"
    # GIMP's redo selects the layer that it brings back.
    image.set_selected_layers([background])
    p.window("GIMP$")
    p.key("ctrl+f")  # Repeat
    second = p.layers(image, 3)[0]
    assert {**p.parameters(second), "area": ""} == {**kept, "area": ""}, "with the last values"
    assert p.get(second) == pixels
    p.say("undo, redo, and Repeat")

    # Again with changes: the dialog starts from how the layer was painted, and paints the same source.
    image.set_selected_layers([second])
    p.open_dialog()
    p.shot("again", "^Style Transfer$")
    p.key("alt+t")
    p.key("ctrl+a")
    p.write("40")
    p.key("Tab")
    p.key("alt+p")
    third = p.layers(image, 4)[0]
    assert p.parameters(third) == {**kept, "strength": 0.4}, p.parameters(third)
    assert p.source(third)[0] == background.get_tattoo()
    assert p.get(third) != pixels

    # A dialog that is cancelled leaves nothing; the star does.
    favorites = Path(os.environ["XDG_CONFIG_HOME"]) / "GIMP" / Gimp.directory().rpartition("/")[2]
    favorites = favorites / "impasto-favorites.json"
    favorites.unlink(missing_ok=True)
    image.set_selected_layers([background])
    p.open_dialog()
    p.key("alt+v")
    p.shot("favourite", "^Style Transfer$")
    p.key("Escape")
    p.gone("^Style Transfer$")
    time.sleep(0.5)
    assert len(image.get_layers()) == 4
    stored = json.loads(favorites.read_text())
    assert stored[0]["choices"]["styles"] == [["great-wave", 1.0]], stored
    favorites.unlink()

    Gimp.Selection.none(image)
    p.open_from_menu("find subject", "Find Subject")
    time.sleep(3.0)
    p.shot("find-subject", "^Find Subject$")
    p.key("alt+a")
    p.wait_for(lambda: background.get_mask() is not None, "the mask of the subject")
    p.gone("^Find Subject$")
    p.window("GIMP$")
    p.key("ctrl+z")
    p.wait_for(lambda: background.get_mask() is None, "one step of undo")


p.run(steps)
