"""Several styles and pictures mixed, by hand and by a script; a painting as a group of its own, one step of undo."""

import json
import time

import gimp_prover as p


def by_hand(image):
    x, y = p.open_dialog()
    p.key("alt+x")
    p.click(x + 198, y + 160)  # the second style of the first row; the first is chosen already
    time.sleep(0.5)
    p.click(x + 205, y + 40)  # the page for a picture
    p.choose_picture("large.png")
    p.settled("mixture", "^Style Transfer$")
    p.key("alt+p")
    painting = p.layers(image, 2)[0]
    names = [name for name, _ in p.parameters(painting)["styles"]]
    assert names == ["starry-night", "great-wave", f"file:{p.FOLDER / 'large.png'}"], names
    p.say("three mixed by hand: two styles and a file")

    # Again: what was mixed is there, and without the mixture the first of them is left.
    image.set_selected_layers([painting])
    p.open_dialog()
    p.settled("mixture-again", "^Style Transfer$")
    p.key("alt+p")
    again = next(layer for layer in p.layers(image, 3) if layer not in (painting, image.get_layers()[-1]))
    assert p.parameters(again)["styles"] == p.parameters(painting)["styles"]
    assert p.get(again) == p.get(painting)
    image.set_selected_layers([painting])
    p.open_dialog()
    p.key("alt+x")
    time.sleep(0.5)
    p.key("alt+p")
    p.layers(image, 4)
    alone = [p.parameters(layer)["styles"] for layer in image.get_layers()[:-1]]
    assert [["starry-night", 1.0]] in alone, alone
    p.say("the mixture comes back with the painting, and can be left")


def by_script():
    image, layer = p.new_image(128, 96)
    other, style = p.new_image(96, 64)
    p.put(style, bytes((230, 40, 30, 255, 20, 60, 20, 255)) * (96 * 32), "R'G'B'A u8")
    file = f"file:{p.FOLDER / 'large.png'}"
    plain = p.get(p.paint(image, layer, style="udnie"))
    wanted = f"udnie:1\n{file}:3\nlayer:#{style.get_id()}:2"
    mixed = p.paint(image, layer, style=wanted)
    assert p.get(mixed) != plain
    kept = p.parameters(mixed)["styles"]
    assert kept == [["udnie", 1.0], [file, 3.0]], f"a layer of another image cannot be kept: {kept}"
    assert p.get(p.paint(image, layer, style=f"udnie\n{file}:3")) != p.get(mixed), "but it was painted like it"
    image.delete()
    other.delete()
    p.say("a script mixes a style, a file and a layer")


def group(image):
    source = image.get_layers()[-1]
    count = len(image.get_layers())
    image.select_rectangle(2, 50, 50, 200, 200)
    outer = p.paint(image, source, style="udnie", result="group")
    assert outer.is_group()
    inner = outer.get_children()
    assert len(inner) == 1
    assert inner[0].get_mask() is not None
    assert not inner[0].get_edit_mask()
    assert p.offsets(inner[0]) == (50, 50)
    assert json.loads(bytes(outer.get_parasite("impasto").get_data()))["result"] == "group"
    assert outer in image.get_layers()
    second = p.paint(image, source, style="udnie", result="group")
    assert image.get_item_position(second) == image.get_item_position(outer) - 1, "above the earlier painting"
    assert len(image.get_layers()) == count + 2
    p.window("GIMP$")
    for left in (count + 1, count):
        p.key("ctrl+z")
        p.wait_for(lambda left=left: len(image.get_layers()) == left, "one step of undo")
    p.key("ctrl+y")
    p.wait_for(lambda: len(image.get_layers()) == count + 1, "redo")
    assert any(layer.is_group() and layer.get_children()[0].get_mask() for layer in image.get_layers())
    p.say("a group of its own, with the masked layer in it; undo and redo take it as one")


def steps():
    image = p.load("small.png")
    p.show(image)
    by_hand(image)
    by_script()
    group(image)


p.run(steps)
