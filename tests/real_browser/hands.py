"""What a person does on the page, and sees there."""

from __future__ import annotations

import base64
import math
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from real_browser.stage import OUTPUT, PATIENCE
from support import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_DROPPED = """([name, text]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const dropped = new DataTransfer();
    dropped.items.add(new File([bytes], name));
    return dropped;
}"""


def drop(page: Page, where: str, name: str, data: bytes) -> None:
    """Drop a file onto an element."""
    dropped = page.evaluate_handle(_DROPPED, [name, base64.b64encode(data).decode()])
    for event in ("dragover", "drop"):
        page.locator(where).dispatch_event(event, {"dataTransfer": dropped})


def photo_of(picture: np.ndarray, kind: str = "PNG") -> bytes:
    """A picture as a file."""
    file = BytesIO()
    Image.fromarray(picture).save(file, kind, quality=95)
    return file.getvalue()


def choose_photo(page: Page, name: str, data: bytes) -> None:
    """Choose a photo in the browser's own dialog."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="photo…").click()
    chooser.value.set_files({"name": name, "mimeType": "", "buffer": data})
    photo(page, name).wait_for()


def photo(page: Page, name: str) -> Locator:
    return page.get_by_role("img", name=f"The photo {name}")


def painting(page: Page, title: str) -> Locator:
    return page.get_by_role("img", name=f"The painting: {title}", exact=True)


def paint(page: Page, title: str) -> None:
    """Paint, and wait for the painting of that title."""
    page.get_by_role("button", name="Paint", exact=True).click()
    painting(page, title).wait_for()


def download(page: Page, kind: str) -> tuple[str, np.ndarray]:
    """The name of the file that the page gives, and its picture, of which it has to be."""
    page.get_by_label("Format of the file").select_option(kind)
    with page.expect_download() as given:
        page.get_by_role("button", name="Download").click()
    with Image.open(given.value.path()) as picture:
        assert picture.format is not None
        assert picture.format.lower() == {"jpg": "jpeg"}.get(kind, kind)
        return given.value.suggested_filename, np.asarray(picture)


def on_command_line(server: RunningServer, folder: Path, data: bytes, *options: str) -> np.ndarray:
    """What the command line paints."""
    (folder / "photo.png").write_bytes(data)
    command = [sys.executable, "-m", "impasto", "stylize", "photo.png", "-o", "painting.png", "--quiet", *options]
    subprocess.run(command, env=server.environment, cwd=folder, check=True, timeout=PATIENCE / 1000)
    with Image.open(folder / "painting.png") as picture:
        return np.asarray(picture)


def place(page: Page, across: float, down: float) -> tuple[float, float]:
    """A place on the picture, by parts of its size, as the mouse has it."""
    box = page.locator("#picture").bounding_box()
    assert box is not None
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def decibels(one: np.ndarray, two: np.ndarray) -> float:
    """How alike two pictures of 8 bits are: their peak signal-to-noise ratio."""
    error = np.square(one.astype(np.float64) - two).mean()
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def tab_to(page: Page, role: Any, name: str) -> None:
    """Press Tab until something has the focus."""
    wanted = page.get_by_role(role, name=name, exact=True)
    for _ in range(50):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {name}")


def shot(page: Page, name: str) -> None:
    page.screenshot(path=OUTPUT / f"{name}.png", animations="disabled")


def problems_of(page: Page, axe: str) -> list[str]:
    """What axe-core finds wrong with the page as it is now; ``axe`` is its source."""
    # As a script that a page's own rules do not let in, it is put in by the browser itself.
    page.evaluate(f"{axe}; undefined")
    found = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })")
    return [
        f"{one['id']}: {one['help']}: {', '.join(node['html'] for node in one['nodes'])}" for one in found["violations"]
    ]
