"""A favourite is in the menu, and paints without a dialog."""

import json

import gimp_prover as p


def steps():
    image = p.load("small.png")
    p.show(image)
    p.search_action("the scream")
    p.wait_for(lambda: len(image.get_layers()) == 2, "the painting")
    kept = json.loads(bytes(image.get_layers()[0].get_parasite("impasto").get_data()))
    assert kept["style"] == "the-scream"
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


p.run(steps)
