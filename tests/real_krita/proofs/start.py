"""No server runs: the docker starts it by itself, and shows it; or it says that it cannot, and waits for nothing."""

from impasto_link.launch import remember_command, server_command
from impasto_proofs import prover
from impasto_proofs.prover import layers


def steps():
    document = yield from prover.open_file("small.png")
    one = prover.docker()
    one.setVisible(True)
    yield from prover.shot("server-starts", one.panel)
    prover.say(one.panel.status.text())
    yield from prover.open_docker()
    assert (prover.FOLDER / "started").exists(), "the docker asked for the server"
    prover.say(one.panel.status.text())
    yield from prover.click_style("the-scream")
    yield from prover.painted(2)

    # The server ends while the docker is hidden, and nobody notices before the shortcut for painting is pressed.
    one.setVisible(False)
    yield 500
    yield from prover.ask("kill-server")
    yield from prover.trigger("impasto_krita_paint")
    yield from prover.painted(3)
    one.setVisible(True)

    # Who does not want to wait for the server any more cancels.
    yield from ended(one)
    yield from prover.click(one.panel.paint)
    assert "as soon as the server is ready" in one.panel.message.text(), one.panel.message.text()
    yield from prover.trigger("impasto_krita_cancel")
    assert not one.panel.message.text(), one.panel.message.text()
    yield from prover.open_docker()

    # How a layer was painted cannot be taken over before the styles are known; it is as soon as they are.
    yield from ended(one)
    gallery = one.panel.gallery
    one.library.styles = []
    gallery.show_styles([])
    document.setActiveNode(layers(document)[1])
    yield from prover.wait_for(lambda: one.panel.again.isEnabled(), "it was painted by us")
    yield from prover.click(one.panel.again)
    assert "as soon as the server is ready" in one.panel.message.text(), one.panel.message.text()
    yield from prover.wait_for(lambda: gallery.current == "the-scream", "the style that it was painted in")
    assert "is painted again" in one.panel.message.text(), one.panel.message.text()
    document.setActiveNode(layers(document)[0])
    yield 700

    # There is none that could be started.
    command = server_command()
    remember_command(["no-such-program"])
    yield from ended(one)
    yield from prover.click(one.panel.paint)
    yield from prover.wait_for(lambda: "not installed" in one.panel.status.text(), "why there is no server")
    prover.say(one.panel.status.text())
    assert not one.panel.message.text(), "nothing begins any more"
    remember_command(command)
    one.connection.open(start=True)
    yield from prover.open_docker()
    yield 2000
    assert len(layers(document)) == 3, "what was given up was painted"
    yield from prover.click(one.panel.paint)
    yield from prover.painted(4)


def ended(one):
    """The server is killed, and the docker has noticed."""
    yield from prover.ask("kill-server")
    yield from prover.wait_for(lambda: one.connection.session.state == "offline", "the end of the server is noticed")
