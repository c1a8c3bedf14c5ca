"""The button Help of the dialogs: the user's browser is given a page of ours, in the language of GIMP."""

import re

import gimp_prover as p
from gimp_prover import Gio


def asked_for():
    """The address that the browser was started with."""
    asked = p.FOLDER / "browsed"
    p.wait_for(lambda: asked.exists() and asked.read_text(), "the browser", 30)
    address = asked.read_text().strip()
    asked.unlink()
    return address


def steps():
    (p.FOLDER / "browsed").unlink(missing_ok=True)
    image = p.load("small.png")
    p.show(image)
    for words, title, part in (
        ("style transfer", "Style Transfer", "style-transfer"),
        ("find subject", "Find Subject", "find-subject"),
    ):
        p.open_from_menu(words, title)
        p.window(f"^{title}$")
        p.key("alt+h")
        address, _, place = asked_for().partition("#")
        assert place == part, place
        page = Gio.File.new_for_uri(address).load_contents()[1].decode("utf-8")
        assert re.search(rf'id="{part}"', page), "the page has what is asked for"
        p.window(f"^{title}$")  # the dialog stays
        p.key("Escape")
        p.gone(f"^{title}$")
        p.say(f"{title}: {address}#{place}")


p.run(steps)
