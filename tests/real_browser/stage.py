"""The parts of a proof: the web face in a process of its own, and a page of the browser that is watched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

#: Where screenshots and logs come.
OUTPUT = Path(os.environ.get("WEB_OUTPUT", "build/web"))
#: The version of axe-core.
AXE = "4.14.1"
#: In milliseconds. No measure of speed: a busy machine takes its time.
PATIENCE = 60_000


@contextmanager
def launcher() -> Iterator[Callable[..., Browser]]:
    """What starts a Chromium, with arguments of its own."""
    from playwright.sync_api import sync_playwright

    program = subprocess.run([Path(__file__).with_name("chromium.sh")], stdout=subprocess.PIPE, check=True, text=True)
    path = program.stdout.split()[0]
    # Chromium has no sandbox for root; it sees nothing but our own page.
    usual = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        yield lambda *arguments: playwright.chromium.launch(executable_path=path, args=[*usual, *arguments])


class WebFace:
    """`impasto web` in a process of its own, before a server of the tests."""

    def __init__(self, server: RunningServer, log: Path, *arguments: str) -> None:
        self.server = server
        command = [sys.executable, "-m", "impasto", "web", "--port", "0", *arguments]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, env=server.environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdout is not None
        said = re.search(r"http://\S+", self._process.stdout.readline())
        assert said is not None, f"it does not say where it is; {log} says why"
        self.address = said[0].rstrip("/")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE / 1000)


@dataclass
class Watched:
    """A page of the browser, and what went wrong on it."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    #: What is said of answers that a proof has asked for, such as that of a broken photo.
    expected: str = r"$^"

    def __post_init__(self) -> None:
        self.page.on("console", self._look_at)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        # So the dialogs of files are caught from now on; else one can come before anybody waits for it.
        self.page.on("filechooser", lambda chooser: None)
        self.page.on("request", lambda request: self.look_where(request.url))

    def _look_at(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def look_where(self, url: str) -> None:
        """See that a request goes to nobody else."""
        if not url.startswith((self.origin, "blob:" + self.origin)):
            self.complaints.append(f"a request to {url}")

    def check(self) -> None:
        found = [one for one in self.complaints if not re.search(self.expected, one)]
        assert not found, found
