"""The examples of exported files in JavaScript do what docs/export-javascript.md says: `make test-web`."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from skimage import data

from impasto.export.ort_web import VERSION
from real_browser.hands import decibels, photo_of
from real_browser.stage import OUTPUT, PATIENCE
from real_browser.static import StaticHost

EXAMPLES = Path(__file__).parents[2] / "examples" / "export"
PACKAGES = (f"onnxruntime-node@{VERSION}", f"onnxruntime-web@{VERSION}", "sharp@0.35")
PHOTO = photo_of(data.chelsea()[:251, 60:361])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, with what they need, a file of the bank, and a photo."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here")
    made = tmp_path_factory.mktemp("javascript")
    for path in EXAMPLES.iterdir():
        shutil.copy(path, made)
    (made / "package.json").write_text('{"private": true}')
    # The scripts of onnxruntime-node fetch what graphics cards need.
    npm = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES]
    subprocess.run(npm, cwd=made, check=True)
    subprocess.run([sys.executable, "-m", "impasto", "export", "classic", "-o", "classic.onnx"], cwd=made, check=True)
    (made / "photo.png").write_bytes(PHOTO)
    return made


def painted(folder: Path, *command: str) -> np.ndarray:
    subprocess.run([*command, "classic.onnx", "photo.png", "painting.png", *MIXTURE], cwd=folder, check=True)
    with Image.open(folder / "painting.png") as picture:
        return np.asarray(picture.convert("RGB"))


MIXTURE = ("starry-night=0.7", "udnie=0.3")


def test_in_node(folder: Path) -> None:
    wanted = painted(folder, sys.executable, "paint_onnx.py")
    assert decibels(painted(folder, "node", "paint_onnx.mjs"), wanted) > 55


@pytest.fixture
def host(folder: Path) -> Iterator[StaticHost]:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    running = StaticHost(folder, OUTPUT / "static-examples.log")
    yield running
    running.stop()


def test_in_a_browser(folder: Path, host: StaticHost, browser: Browser) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{host.origin}/paint_onnx.html")
    page.get_by_label("Style").select_option("The Scream")
    page.get_by_label("Photo").set_input_files(folder / "photo.png")
    expect(page).to_have_title("Painted", timeout=10 * PATIENCE)
    shown = page.evaluate("document.querySelector('canvas').toDataURL()")
    page.close()
    command = [sys.executable, "paint_onnx.py", "classic.onnx", "photo.png", "wanted.png", "the-scream"]
    subprocess.run(command, cwd=folder, check=True)
    with (
        Image.open(BytesIO(base64.b64decode(shown.partition(",")[2]))) as picture,
        Image.open(folder / "wanted.png") as wanted,
    ):
        assert decibels(np.asarray(picture.convert("RGB")), np.asarray(wanted)) > 55
