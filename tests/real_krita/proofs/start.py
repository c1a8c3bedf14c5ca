"""No server runs: the docker starts it by itself, and shows it."""

from impasto_proofs import prover


def steps():
    yield from prover.open_file("small.png")
    one = prover.docker()
    one.setVisible(True)
    yield from prover.shot("server-starts", one.panel)
    prover.say(one.panel.status.text())
    yield from prover.open_docker()
    assert (prover.FOLDER / "started").exists(), "the docker asked for the server"
    prover.say(one.panel.status.text())
    yield from prover.click_style("the-scream")
    yield from prover.painted(2)
