"""Proofs in the real Krita: `make test-krita`, or this file with the names of some proofs.

Starts a server, an X display without screen and Krita in a chroot, and plays the user's hands with xdotool. Screenshots
and logs come into the folder given by --output.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from real_editors.stage import Stage, main, settings_of  # noqa: E402

#: Theme and language; the proof that is looked at runs in all of them, the others in the first.
LOOKS = ("Krita dark, en", "Krita bright, zh_CN", "Krita bright, en")


class KritaStage(Stage):
    """Krita, with the harness beside the plugin."""

    editor = "Krita"
    without_server = frozenset({"start"})

    def prepare(self) -> None:
        data = self.home / ".local" / "share" / "krita"
        data.mkdir(parents=True, exist_ok=True)
        super().prepare()
        draw_style(self.folder)
        for name in ("impasto_proofs.desktop", "impasto_proofs"):
            link = data / "pykrita" / name
            link.unlink(missing_ok=True)
            link.symlink_to(HERE / "harness" / name)
        settings = (self.config / "kritarc").read_text()
        if "enable_impasto_proofs" not in settings:
            (self.config / "kritarc").write_text(
                settings.replace("[python]\n", "[python]\nenable_impasto_proofs=true\n")
            )
        (self.config / "kritadisplayrc").write_text("[General]\nOpenGLRenderer=none\n")

    def command(self, proof: Path, look: str) -> list[str]:
        self._set_look(*look.split(", "))
        return ["python3", str(proof)] if settings_of(proof).get("QT") == "6" else ["krita", "--nosplash"]

    def looks(self, proof: Path) -> Sequence[str]:
        return LOOKS if proof.stem == "looks" else LOOKS[:1]

    def _set_look(self, theme: str, language: str) -> None:
        """Krita's theme and the docker's language; and this machine's server, whatever a proof left behind."""
        path = self.config / "kritarc"
        lines = [
            line
            for line in path.read_text().splitlines()
            if not line.startswith(("Theme=", "language=", "invitation="))
        ]
        for section, entry in (("[theme]", f"Theme={theme}"), ("[impasto_krita]", f"language={language}")):
            if section not in lines:
                lines.append(section)
            lines.insert(lines.index(section) + 1, entry)
        path.write_text("\n".join(lines) + "\n")


def draw_style(folder: Path) -> None:
    """A picture to paint like."""
    from PIL import Image
    from skimage import data

    Image.fromarray(data.coffee()).save(folder / "Coffee.jpg", quality=92)


if __name__ == "__main__":
    sys.exit(main(KritaStage, HERE / "proofs", __doc__))
