"""A real server, the web face before it, and a real Chromium that looks at its page.

`make test-web` names these files; `make test` does not look at them, and needs none of what they need.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from real_browser.stage import AXE, OUTPUT, PATIENCE, Watched, WebFace, launcher
from support import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    os.environ["IMPASTO_OFFLINE"] = "1"
    running = RunningServer(tmp_path_factory.mktemp("server"))
    running.wait_for_worker()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def web(server: RunningServer) -> Iterator[WebFace]:
    face = WebFace(server, OUTPUT / "web.log")
    yield face
    face.stop()


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts a Chromium, with arguments of its own."""
    with launcher() as launch:
        yield launch


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    chromium = launch()
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, which knows what a page has to be for those who hear it; it comes from npm."""
    if shutil.which("npm") is None:
        pytest.skip("axe-core comes from npm, which is not here")
    folder = tmp_path_factory.mktemp("axe")
    packed = subprocess.run(
        ["npm", "pack", "--silent", f"axe-core@{AXE}"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    with tarfile.open(folder / packed.stdout.strip()) as package:
        source = package.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode()


@pytest.fixture
def open_page(browser: Browser, web: WebFace) -> Iterator[Callable[..., Watched]]:
    """Opens the page; arguments are those of a browser's context. What went wrong on it fails the proof."""
    opened: list[Watched] = []

    def open_one(face: WebFace = web, **context: Any) -> Watched:
        page = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **context}).new_page()
        page.set_default_timeout(PATIENCE)
        opened.append(Watched(page, face.address))
        page.goto(face.address)
        return opened[-1]

    yield open_one
    for watched in opened:
        watched.page.context.close()
        watched.check()
