"""The example in C++, built and run in a Debian that has ONNX Runtime: it paints what Impasto paints.

python tests/real_cpp/run.py --root FOLDER --output FOLDER
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "examples" / "export"
#: The file itself is held to 45 in float32. Impasto paints in bfloat16 where the machine can, and both round to 8 bits.
ENOUGH = 40.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the Debian, or / for this machine")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    # Odd, and no multiple of four.
    Image.fromarray(data.astronaut()[:301, :219]).save(output / "photo.ppm")
    impasto = [sys.executable, "-m", "impasto"]
    run(*impasto, "export", "starry-night", "-o", output / "style.onnx", "--existing", "replace")
    run(*impasto, "stylize", output / "photo.ppm", "-o", output / "ours.png", "--style", "starry-night", "--quiet",
        "--existing", "replace")  # fmt: skip
    inside = [HERE.parent / "real_editors" / "inside.sh", options.root]
    shared = {**os.environ, "SHARED": f"{EXAMPLE}:{output}", "LC_ALL": "C.UTF-8"}
    run(*inside, "cmake", "-S", EXAMPLE, "-B", output / "build", env=shared)
    run(*inside, "cmake", "--build", output / "build", env=shared)
    painted = [output / name for name in ("style.onnx", "photo.ppm", "painting.ppm")]
    # Debian's ONNX Runtime complains at length about operators that it has twice.
    with (output / "paint.log").open("w") as log:
        subprocess.run([*inside, output / "build" / "paint", *painted], check=True, env=shared, stderr=log)
    theirs, ours = (np.asarray(Image.open(output / name), float) for name in ("painting.ppm", "ours.png"))
    assert theirs.shape == ours.shape, f"{theirs.shape}, not {ours.shape}"
    decibels = 10 * np.log10(255**2 / np.square(theirs - ours).mean())
    print(f"C++ painted {decibels:.1f} dB from Impasto's own")
    wrong = [output / "photo.ppm", *painted[1:]]
    broken = subprocess.run([*inside, output / "build" / "paint", *wrong], env=shared, stderr=subprocess.DEVNULL)
    assert broken.returncode == 1, "a file that is no network has to be said"
    return 0 if decibels >= ENOUGH else 1


def run(*command: object, env: dict[str, str] | None = None) -> None:
    subprocess.run(list(map(str, command)), check=True, env=env)


if __name__ == "__main__":
    sys.exit(main())
