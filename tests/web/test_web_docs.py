"""The program in docs/web.md does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from running_web import RunningWeb, as_pixels
from support import PATIENCE, RunningServer

PAGE = Path(__file__).parents[2] / "docs" / "web.md"


def test_the_program_in_the_documentation(
    shared_web: RunningWeb, running_server: RunningServer, photo: bytes, tmp_path: Path
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "photo.jpg").write_bytes(photo)
    here = program.replace("http://127.0.0.1:8321", f"http://127.0.0.1:{shared_web.port}")
    done = subprocess.run([sys.executable, "-c", here], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "done 100%" in done.stdout
    painting = as_pixels((tmp_path / "painting.png").read_bytes())
    assert painting.shape == as_pixels(photo).shape
    assert np.abs(painting.astype(int) - as_pixels(photo)).mean() > 5
