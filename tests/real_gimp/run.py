"""Proofs in the real GIMP: `make test-gimp`, or this file with the names of some proofs.

GIMP executes a proof in a process of its own, which may wait and look at images while GIMP lives on. Proofs with the
line "# MODE=headless" run in gimp-console; the others under an X display without screen, where the user's hands are
played with xdotool. Screenshots and logs come into the folder given by --output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from real_editors import stage  # noqa: E402

#: Colour scheme and language of GIMP; the proof that is looked at runs in all of them, the others in the first.
LOOKS = ("dark, en", "light, zh_CN")


class GimpStage(stage.Stage):
    """GIMP 3, with settings in which no window of its own comes up."""

    editor = "GIMP"
    without_server = frozenset({"start"})

    def __init__(self, root: Path, output: Path) -> None:
        super().__init__(root, output)
        program = next((root / "usr" / "bin").glob("gimp-console-3.*"))
        self.version = program.name.rpartition("-")[2]
        self.settings = self.config / "GIMP" / self.version
        self.settings.mkdir(parents=True, exist_ok=True)
        words = [str(stage.HERE / "inside.sh"), str(root), program.name, "--version"]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        self.exact_version = said.split()[-1]

    def prepare(self) -> None:
        super().prepare()
        draw_animations(self.folder)
        (self.settings / "impasto-favorites.json").unlink(missing_ok=True)
        self._have_browser()

    def command(self, proof: Path, look: str) -> list[str]:
        scheme, language = look.split(", ")
        # Without its exact version GIMP greets its user after an update.
        entries = (
            "show-welcome-dialog no",
            "check-updates no",
            "save-session-info no",
            f'config-version "{self.exact_version}"',
            f"theme-color-scheme {scheme}",
            f'language "{language}"',
        )
        (self.settings / "gimprc").write_text("".join(f"({entry})\n" for entry in entries))
        if proof.stem == "favorite":
            self._make_favorite()
        # Or a dialog would start with the values of the last run.
        for one in (self.settings / "plug-in-settings").glob("*"):
            if one.is_file():
                one.unlink()
        headless = stage.settings_of(proof).get("MODE") == "headless"
        program = [f"gimp-console-{self.version}", "-i", "-d", "-f"] if headless else [f"gimp-{self.version}", "-n"]
        script = f"exec(compile(open('{proof}').read(), '{proof}', 'exec'))"
        return [*self._surroundings(), *program, "-s", "--quit", "--batch-interpreter=python-fu-eval", "-b", script]

    def _have_browser(self) -> None:
        """A browser of the user, that only writes down what it is to show."""
        browser = self.folder / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" > "{self.folder}/browsed"\n')
        browser.chmod(0o755)
        folder = self.home / ".local" / "share" / "applications"
        folder.mkdir(parents=True, exist_ok=True)
        entry = f"[Desktop Entry]\nType=Application\nName=Browser\nExec={browser} %u\nMimeType=text/html;\n"
        (folder / "browser.desktop").write_text(entry)
        (folder / "mimeapps.list").write_text("[Default Applications]\ntext/html=browser.desktop\n")

    def _make_favorite(self) -> None:
        """As the star in the dialog does, for two styles of the user's, too; GIMP shows it from its next start on."""
        entries = [{"title": "The Scream", "choices": {"style": "the-scream", "strength": 0.5}}]
        entries += [{"title": title, "choices": {"style": title}} for title in ("星空", "向日葵")]
        (self.settings / "impasto-favorites.json").write_text(json.dumps(entries))
        (self.settings / "plug-ins" / "impasto_gimp" / "impasto_gimp.py").touch()

    def looks(self, proof: Path) -> Sequence[str]:
        return LOOKS if proof.stem == "looks" else LOOKS[:1]

    def _surroundings(self) -> list[str]:
        return ["env", "NO_AT_BRIDGE=1", "GIO_USE_VFS=local", f"PYTHONPATH={HERE / 'harness'}"]


def draw_animations(folder: Path) -> None:
    """A disc that moves over a gray ramp, as a GIF, of which frames are only what changes, and as a WebP with alpha.

    Beside them, each frame as others see it: 8 bit RGBA.
    """
    from PIL import Image, ImageDraw, ImageSequence

    frames = []
    for number in range(4):
        frame = Image.linear_gradient("L").resize((96, 64)).convert("RGBA")
        ImageDraw.Draw(frame).ellipse((10 + 18 * number, 20, 34 + 18 * number, 44), fill=(220, 60, 40, 255))
        frames.append(frame)
    delays = [50, 120, 200, 100]
    frames[0].save(folder / "disc.gif", save_all=True, append_images=frames[1:], duration=delays, loop=0)
    for number, frame in enumerate(frames):
        frame.paste((0, 0, 0, 0), (0, 0, 96, 12 + 4 * number))
    frames[0].save(
        folder / "disc.webp", save_all=True, append_images=frames[1:], duration=delays, lossless=True, loop=0
    )
    for name in ("disc.gif", "disc.webp"):
        with Image.open(folder / name) as image:
            for number, frame in enumerate(ImageSequence.Iterator(image)):
                (folder / f"{name}-{number}").write_bytes(frame.convert("RGBA").tobytes())


if __name__ == "__main__":
    sys.exit(stage.main(GimpStage, HERE / "proofs", __doc__))
