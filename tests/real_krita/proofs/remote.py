"""A server on another machine, by invitation, with a Python that has no pyzmq until the docker says how to get it."""

import json
import shutil
from pathlib import Path

import impasto_link
from impasto_krita.settings_dialog import SettingsDialog
from impasto_proofs import prover
from impasto_proofs.prover import layers, pixels

#: What "pip install --target" puts beside the plugin.
PLUGINS = Path(impasto_link.__file__).parents[1]


def choose_server(one, invitation):
    """Through the dialog of the settings."""
    yield from prover.click(one.panel.settings)
    dialog = one.findChild(SettingsDialog)
    dialog.invitation.setFocus()
    dialog.invitation.selectAll()
    yield from prover.ask("type", words=str(invitation)) if invitation else prover.key("Delete")
    yield from prover.key("Return")
    yield from prover.wait_for(lambda: one.findChild(SettingsDialog) is None, "the dialog is closed")
    assert one.settings.invitation == str(invitation)


def status(one, *parts):
    yield from prover.wait_for(lambda: all(part in one.panel.status.text() for part in parts), f"{parts} as the status")
    prover.say(one.panel.status.text())


def steps():
    document = yield from prover.open_file("small.png")
    one = yield from prover.open_docker()
    invitation = prover.FOLDER / "invitation.json"
    invitation.unlink(missing_ok=True)
    yield from prover.ask("serve-elsewhere", invitation=str(invitation))
    yield from prover.wait_for(invitation.exists, "the invitation")
    try:
        yield from choose_server(one, invitation)
        yield from status(one, "needs pyzmq in this Python", "pip install")
        yield from prover.shot("remote-without-pyzmq", one.panel)
        yield from prover.ask("pip", command=one.connection.session.problem.hint)

        yield from prover.click_style("udnie")
        yield from prover.painted(2)
        yield from status(one, "On another machine", "Ready")
        assert not (prover.FOLDER / "started").exists(), "a server of this machine was started"
        yield from prover.shot("remote", one.panel)
        source, painted = (pixels(layer, (0, 0, 512, 512)) for layer in layers(document))
        assert source != painted

        # Another key than that of the invitation gets nothing, and is told so.
        import zmq

        public, secret = (key.decode() for key in zmq.curve_keypair())
        other = prover.FOLDER / "other-invitation.json"
        keys = {**json.loads(invitation.read_text()), "client_public": public, "client_secret": secret}
        other.write_text(json.dumps(keys))
        yield from choose_server(one, other)
        yield from status(one, "did not accept", "Try again")
        yield from choose_server(one, prover.FOLDER / "missing.json")
        yield from status(one, "is not an invitation to a server", "Try again")

        # Another server is chosen in the middle: that painting is over, and the next one can begin.
        yield from choose_server(one, invitation)
        yield from status(one, "On another machine", "Ready")
        large = yield from prover.open_file("4k.png")
        yield 700
        yield from prover.click(one.panel.paint)
        yield from prover.wait_for(lambda: one.panel.progress.value() > 0, "progress")
        yield from choose_server(one, prover.FOLDER / "missing.json")
        yield from prover.wait_for(lambda: not one.painter.busy, "it is over", 5)
        assert "Cancelled" in one.panel.message.text(), one.panel.message.text()

        # The other machine goes away in the middle.
        yield from choose_server(one, invitation)
        yield from status(one, "On another machine", "Ready")
        yield from prover.click(one.panel.paint)
        yield from prover.wait_for(lambda: one.panel.progress.value() > 0, "progress")
        yield from prover.ask("kill-server")
        yield from prover.wait_for(lambda: not one.painter.busy, "it is over", 90)
        prover.say(one.panel.message.text())
        assert "does not answer any more. Is it running" in one.panel.message.text()
        assert len(layers(large)) == 1
    finally:
        for path in {*PLUGINS.glob("*zmq*"), *PLUGINS.glob("bin")}:
            shutil.rmtree(path)
        (PLUGINS / ".lock").unlink(missing_ok=True)  # uv's
        one.settings.invitation = ""
        one.settings.keep()
