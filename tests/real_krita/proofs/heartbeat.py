"""The event loop of Krita during a painting of 3840 x 2160 pixels: its longest gap, without Krita's own pixel calls.

The goal is below 50 ms, which is to be read off what this says on a quiet machine; it fails only where a person would
call the editor frozen.
"""

import itertools
import time

from PyQt5.QtCore import Qt, QTimer

from impasto_krita import host
from impasto_proofs import prover
from impasto_proofs.prover import layers

FROZEN = 0.5


class Heart:
    """Notes when the event loop had its turns, and when Krita's own calls kept it."""

    def __init__(self):
        self.beats, self.calls = [], []
        self.timer = QTimer()
        self.timer.setTimerType(Qt.PreciseTimer)
        self.timer.timeout.connect(lambda: self.beats.append(time.perf_counter()))
        self.timer.start(4)

    def watch(self, name):
        original = getattr(host, name)

        def timed(*arguments, **options):
            begin = time.perf_counter()
            try:
                return original(*arguments, **options)
            finally:
                self.calls.append((name, begin, time.perf_counter()))

        setattr(host, name, timed)

    def gaps(self):
        """All gaps but those in which Krita read or placed pixels, longest first."""
        pairs = itertools.pairwise(self.beats)
        return sorted(
            (end - begin for begin, end in pairs if not any(b < end and e > begin for _, b, e in self.calls)),
            reverse=True,
        )


def steps():
    for name, count in (("large.png", 1), ("4k.png", 1)):
        document = yield from prover.open_file(name)
        one = yield from prover.open_docker()
        heart = Heart()
        for call in ("read", "place", "read_small", "find_source"):
            heart.watch(call)
        one.panel.row("strength").set(0.99)
        one.panel.row("strength").set(1.0)
        yield 3000
        ended = []
        one.painter.ended.connect(lambda *_, ended=ended: ended.append(time.perf_counter()))
        heart.beats.clear()
        started = time.perf_counter()
        one.paint()
        yield from prover.painted(count + 1, seconds=140)
        one.own_thumbnails.stop()
        heart.timer.stop()
        gaps = heart.gaps()
        prover.say(f"{name}: {ended[0] - started:.1f} s from click to layer")
        prover.say("  longest gaps: " + ", ".join(f"{1000 * gap:.0f} ms" for gap in gaps[:5]))
        for what in ("find_source", "read_small", "read", "place"):
            spent = [end - begin for called, begin, end in heart.calls if called == what]
            prover.say(f"  {what}: {', '.join(f'{1000 * one_:.0f} ms' for one_ in spent)}")
        assert len(layers(document)) == count + 1
        if name == "4k.png":
            assert gaps[0] < FROZEN, f"the event loop stood still for {1000 * gaps[0]:.0f} ms"
        document.setModified(False)
        document.close()
        yield 500
