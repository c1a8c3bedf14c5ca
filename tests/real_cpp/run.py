"""The examples in C++, built and run in a Debian that has what they need: they paint what Impasto paints.

python tests/real_cpp/run.py --root FOLDER --output FOLDER
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage import data

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
#: The file itself is held to 45 in float32. Impasto paints in bfloat16 where the machine can, and both round to 8 bits.
ENOUGH = 40.0


#: The window of the live one is twice as large, and its clip is JPEG.
ENOUGH_ENLARGED = 25.0
IMPASTO = [sys.executable, "-m", "impasto"]


class Debian:
    """Where they are built and run.

    Args:
        root: its folder, or / for this machine.
        output: where all comes that is made.
    """

    def __init__(self, root: str, output: Path) -> None:
        self._inside = [HERE.parent / "real_editors" / "inside.sh", root]
        self._environment = {**os.environ, "SHARED": f"{EXAMPLES}:{output}", "LC_ALL": "C.UTF-8"}
        self._output = output

    def build(self, example: str) -> Path:
        """Build an example; its folder."""
        folder = self._output / f"build-{example}"
        self.run("cmake", "-S", EXAMPLES / example, "-B", folder)
        self.run("cmake", "--build", folder)
        return folder

    def run(self, *command: object, log: Path | None = None, status: int = 0) -> str:
        """Run a command, and look at how it ends; what it prints. What it complains about goes to ``log``."""
        # Debian's ONNX Runtime complains at length about operators that it has twice.
        with (log or Path(os.devnull)).open("w") as complaints:
            done = subprocess.run(
                [*map(str, (*self._inside, *command))],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
        said = done.stdout + (log.read_text()[-2000:] if log else "")
        assert done.returncode == status, f"{command} ended with {done.returncode}: {said}"
        return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the Debian, or / for this machine")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    debian = Debian(options.root, output)
    paint(debian, output)
    live(debian, output)


def paint(debian: Debian, output: Path) -> None:
    """One photo by ONNX Runtime alone."""
    # Odd, and no multiple of four.
    Image.fromarray(data.astronaut()[:301, :219]).save(output / "photo.ppm")
    run("export", "starry-night", "-o", output / "style.onnx", "--existing", "replace")
    run("stylize", output / "photo.ppm", "-o", output / "ours.png", "--style", "starry-night", "--quiet",
        "--existing", "replace")  # fmt: skip
    program = debian.build("export") / "paint"
    debian.run(program, *(output / name for name in ("style.onnx", "photo.ppm", "painting.ppm")))
    decibels = apart(Image.open(output / "painting.ppm"), Image.open(output / "ours.png"))
    print(f"C++ painted {decibels:.1f} dB from Impasto's own")
    assert decibels >= ENOUGH
    # A file that is no network is said.
    debian.run(program, *(output / name for name in ("photo.ppm", "photo.ppm", "painting.ppm")), status=1)


def live(debian: Debian, output: Path) -> None:
    """A clip, in a window, by the student."""
    photo = np.ascontiguousarray(data.astronaut()[:240, 64:384])
    Image.fromarray(photo).save(output / "still.png")
    writer = cv2.VideoWriter(str(output / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 60, (320, 240))
    for _ in range(30):
        writer.write(np.ascontiguousarray(photo[..., ::-1]))
    writer.release()
    run("export", "small", "-o", output / "live.onnx", "--style", "starry-night", "--existing", "replace")
    run("stylize", output / "still.png", "-o", output / "still-painted.png", "--style", "starry-night",
        "--engine", "small", "--quiet", "--existing", "replace")  # fmt: skip
    program = debian.build("live-cpp") / "live"
    screen = ["xvfb-run", "-a", "-s", "-screen 0 1280x900x24"]
    words = ["--frames", "200", "--shot", output / "live.ppm"]
    print(
        debian.run(*screen, program, output / "clip.avi", output / "live.onnx", *words, log=output / "live.log"), end=""
    )
    shot = Image.open(output / "live.ppm")
    shot.save(output / "live.png")
    decibels = apart(shot.resize((320, 240), Image.Resampling.BOX), Image.open(output / "still-painted.png"))
    print(f"the window showed what is {decibels:.1f} dB from Impasto's own")
    assert decibels >= ENOUGH_ENLARGED
    for wrong in ("no-such.avi", "photo.ppm"):
        style = output / ("live.onnx" if wrong == "no-such.avi" else "photo.ppm")
        debian.run(*screen, program, output / wrong, style, *words, status=1)


def apart(one: Image.Image, other: Image.Image) -> float:
    """How alike two pictures are, in decibels."""
    first, second = (np.asarray(picture.convert("RGB"), float) for picture in (one, other))
    assert first.shape == second.shape, f"{first.shape}, not {second.shape}"
    return float(10 * np.log10(255**2 / np.square(first - second).mean()))


def run(*command: object) -> None:
    subprocess.run([*IMPASTO, *map(str, command)], check=True)


if __name__ == "__main__":
    main()
