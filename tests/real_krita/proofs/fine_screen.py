"""A screen with twice as many pixels: pictures and icons are as sharp as it is."""

# QT_SCALE_FACTOR=2

from impasto_proofs import prover


def steps():
    yield from prover.open_file("large.png")
    one = yield from prover.open_docker()
    assert one.panel.devicePixelRatioF() == 2.0
    one.panel.gallery.size_slider.setValue(110)
    yield from prover.click_style("great-wave")
    yield from prover.painted(2)
    yield from prover.wait_for(
        lambda: len(one.panel.gallery._pictures) == one.panel.gallery.grid.count(), "own thumbnails", 90
    )
    side = one.panel.gallery._pictures["udnie"].width()
    assert side >= 2 * 110, f"thumbnails of {side} pixels for 220"
    yield from prover.wait_for(lambda: not one.preview.busy, "the preview")
    assert one.panel.comparison._after.width() == 768
    yield from prover.shot("fine-screen", one.panel)
