"""A favourite is in the menu, and paints without a dialog."""

import json
from pathlib import Path

import gimp_prover as p
from gimp_prover import Gimp


def steps():
    image = p.load("small.png")
    p.show(image)
    p.search_action("the scream")
    p.wait_for(lambda: len(image.get_layers()) == 2, "the painting")
    kept = json.loads(bytes(image.get_layers()[0].get_parasite("impasto").get_data()))
    assert kept["styles"] == [["the-scream", 1.0]]
    assert kept["strength"] == 0.5
    assert p.names(image)[0] == "The Scream"
    status, painting, error = p.call("plug-in-impasto-favorite-the-scream", image, [image.get_layers()[-1]])
    assert status == p.SUCCESS, error
    assert painting.get_name().startswith("The Scream")

    # Styles of the user's, whose names are not in the letters that GIMP takes, and whose models are gone by now.
    for name, style in (("8d565f08", "星空"), ("5db98e9b", "向日葵")):
        status, _, error = p.call(f"plug-in-impasto-favorite-{name}", image, [image.get_layers()[-1]])
        assert status == p.ERROR
        assert f"no style '{style}'" in error, error
        p.say(error)

    # The star of a mixture, which comes into the dialog with a painting.
    mixture = "udnie:2, the-scream"
    image.set_selected_layers([p.paint(image, image.get_layers()[-1], style=mixture)])
    before = titles()
    p.open_dialog()
    p.key("alt+v")
    p.wait_for(lambda: titles() == [*before, "Udnie, The Scream"], "the favourite")
    p.key("alt+v")
    p.wait_for(lambda: titles() == before, "the favourite is none any more")
    p.key("Escape")
    p.gone("^Style Transfer$")


def titles():
    path = Path(Gimp.directory()) / "impasto-favorites.json"
    return [entry["title"] for entry in json.loads(path.read_text(encoding="utf-8"))]


p.run(steps)
