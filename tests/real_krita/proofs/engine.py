"""An engine that came with another package: the docker offers it with what it has of its own, and it paints."""

from PyQt5.QtCore import QPoint

from impasto_proofs import prover
from impasto_proofs.prover import APP, layers, pixels

WHOLE = (0, 0, 512, 512)


def steps():
    yield from prover.ask("restart-server", environment={"PYTHONPATH": "tests/dummy_engine"})
    document = yield from prover.open_file("small.png")
    one = yield from prover.open_docker()
    panel, source = one.panel, layers(document)[0]
    before = pixels(source, WHOLE)
    if not panel.more.isChecked():
        yield from prover.click(panel.more)
    engines = panel.row("engine")
    yield from prover.wait_for(lambda: engines.box.isVisible(), "engines to choose from")
    usual = engines.value
    engines.set("dummy")
    amount, swap = panel.row("amount"), panel.row("swap")
    yield from prover.wait_for(lambda: amount.slider.isVisible() and swap.box.isVisible(), "its own rows")
    yield from prover.click(swap.box, QPoint(8, swap.box.height() // 2))
    yield from prover.wait_for(lambda: not one.preview.busy, "the preview")
    yield from prover.shot("engine", panel)

    # With all of it: the negative, with red and blue swapped.
    yield from prover.click_style("udnie")
    yield from prover.painted(2)
    painted = pixels(layers(document)[1], WHOLE)
    for place in range(0, len(before), 4 * 1001):
        blue, green, red = before[place : place + 3]
        found = painted[place : place + 3]
        assert max(abs(a - b) for a, b in zip(found, (255 - red, 255 - green, 255 - blue), strict=True)) <= 1, (
            place,
            list(found),
            (blue, green, red),
        )
    yield from prover.trigger("edit_undo")

    # With a part of it.
    amount.set(0.25)
    yield from prover.click(panel.paint)
    yield from prover.painted(2)
    wanted = yield from prover.reference(
        {"pixels": (prover.description(512, 512), before)},
        {"styles": [["udnie", 1.0]], "engine": "dummy", "settings": {"amount": 0.25, "swap": True}},
    )
    assert pixels(layers(document)[1], WHOLE) == wanted["pixels"][1] != painted

    # Another engine has none of it; painted again, it is all there.
    engines = panel.row("engine")
    engines.set(usual)
    yield 300
    assert "amount" not in {row.row.parameter.name for row in panel.rows}
    document.setActiveNode(layers(document)[1])
    yield from prover.wait_for(lambda: panel.again.isEnabled(), "it was painted by us")
    APP.action("impasto_krita_again").trigger()
    yield 100
    assert panel.row("engine").value == "dummy"
    assert (panel.row("amount").value, panel.row("swap").value) == (0.25, True)
    panel.row("engine").set(usual)
    yield from prover.click(panel.more)
    yield from prover.ask("restart-server", environment={})
