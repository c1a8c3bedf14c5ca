"""How long a process takes that lives for one request, from its start to its painting: examples/serving/one_shot.py.

python benchmarks/cold_start.py
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "serving"
RUNS = 5

#: What the process does; it says when.
PROCESS = """
import json, sys, time
times = [time.time()]
import one_shot
times.append(time.time())
photo = sys.stdin.buffer.read()
for _ in range(2):
    one_shot.paint(photo, "udnie")
    times.append(time.time())
print(json.dumps(times))
"""


def run(photo: bytes) -> dict[str, float]:
    """Seconds of one process."""
    began = time.time()
    command = [sys.executable, "-c", PROCESS]
    done = subprocess.run(command, input=photo, stdout=subprocess.PIPE, cwd=EXAMPLE, check=True)
    started, imported, first, second = json.loads(done.stdout)
    return {
        "Python": started - began,
        "imports": imported - started,
        "networks and first painting": first - imported,
        "from start to painting": first - began,
        "second painting": second - first,
    }


def main() -> None:
    import skimage

    photo = (Path(skimage.__file__).parent / "data" / "astronaut.png").read_bytes()
    runs = [run(photo) for _ in range(RUNS)]
    print("| | median | least to most |\n|---|---|---|")
    for name in runs[0]:
        seconds = [one[name] for one in runs]
        print(f"| {name} | {statistics.median(seconds):.2f} s | {min(seconds):.2f} to {max(seconds):.2f} s |")


if __name__ == "__main__":
    main()
