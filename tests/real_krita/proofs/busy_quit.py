"""Krita is quit while a painting is under way: no crash, and the server gives the work up."""

from impasto_proofs import prover


def steps():
    yield from prover.open_file("4k.png")
    one = yield from prover.open_docker()
    yield from prover.click(one.panel.paint)
    yield from prover.wait_for(lambda: one.panel.progress.value() > 0, "progress")
    # The end of the steps is a clean quit; that its status is 0 is the proof.
