"""A plugin for tests only: runs the script named by PROOF once Krita has a window.

The plugin under test needs no code for tests, and the script plays the user: it asks the runner outside for real clicks
and keys by `prover.click` and `prover.key`.
"""

import os

from krita import Extension, Krita

from impasto_proofs import prover


class Proofs(Extension):
    def setup(self):
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.windowCreated.connect(prover.run)
        self._notifier = notifier

    def createActions(self, window):  # noqa: N802 - Krita's name
        pass


if "PROOF" in os.environ:
    Krita.instance().addExtension(Proofs(Krita.instance()))
