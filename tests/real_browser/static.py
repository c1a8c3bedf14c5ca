"""A folder on a plain web server, which knows nothing of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


class StaticHost:
    """Python's own web server for files, in a process of its own.

    Attributes:
        origin: its address, without a slash at the end.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0", "--directory", str(folder)]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self._process.stdout is not None
        said = re.search(r"http://\S+?:\d+", self._process.stdout.readline())
        assert said is not None, f"it does not say where it is; {log} says why"
        self.origin = said[0]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
