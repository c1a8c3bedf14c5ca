"""Proofs of the page in a real Chromium: `make test-web`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from skimage import data

from real_browser.hands import (
    choose_photo,
    download,
    drop,
    on_command_line,
    paint,
    painting,
    photo,
    photo_of,
    place,
    problems_of,
    shot,
    tab_to,
)
from real_browser.stage import OUTPUT, PATIENCE, Watched, WebFace
from support import RunningServer

OpenPage = Callable[..., Watched]

# Longer than the five seconds of Playwright, in which a busy machine may not get to it.
expect.set_options(timeout=PATIENCE)
ASTRONAUT = photo_of(data.astronaut())


def test_mouse(open_page: OpenPage, server: RunningServer, tmp_path: Path) -> None:
    page = open_page().page
    shot(page, "empty")
    drop(page, "#empty", "astronaut.png", ASTRONAUT)
    photo(page, "astronaut.png").wait_for()
    page.get_by_role("option", name="Udnie").click()
    page.get_by_label("Strength").fill("80")
    expect(page.get_by_label("Strength")).to_have_attribute("aria-valuetext", "80 %")
    paint(page, "Udnie, strength 80 %")

    x, y = place(page, 0.5, 0.5)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(*place(page, 0.25, 0.5), steps=4)
    page.mouse.up()
    expect(page.get_by_label("How much of the photo")).to_have_value("25")
    shot(page, "compare")
    page.keyboard.press("b")
    expect(painting(page, "Udnie, strength 80 %")).to_be_hidden()
    page.keyboard.press("b")

    name, pixels = download(page, "png")
    assert name == "astronaut-udnie-strength-80.png"
    wanted = on_command_line(server, tmp_path, ASTRONAUT, "--style", "udnie", "--strength", "0.8")
    assert np.array_equal(pixels, wanted)


def test_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page().page
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose a photo…")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "cat.jpg", "mimeType": "", "buffer": photo_of(data.chelsea(), "JPEG")})
    photo(page, "cat.jpg").wait_for()

    tab_to(page, "tab", "Paintings")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    expect(page.get_by_role("option", name="Charcoal")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("option", name="Linocut")).to_be_focused()
    page.keyboard.press("Enter")
    shot(page, "keyboard")

    tab_to(page, "radio", "Everything")
    tab_to(page, "slider", "Strength")
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    tab_to(page, "button", "Paint")
    page.keyboard.press("Enter")
    painting(page, "Linocut, strength 90 %").wait_for()
    cut = page.get_by_label("How much of the photo")
    expect(cut).to_be_focused()
    page.keyboard.press("Home")
    expect(cut).to_have_attribute("aria-valuetext", "0 % photo")
    page.keyboard.press("b")
    expect(painting(page, "Linocut, strength 90 %")).to_be_hidden()
    expect(page.get_by_role("status").last).to_have_text("Painted: Linocut, strength 90 %.")


def test_subject(open_page: OpenPage) -> None:
    page = open_page().page
    choose_photo(page, "astronaut.png", ASTRONAUT)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/v1/mask") else None)
    subject = place(page, 0.45, 0.25)
    page.mouse.move(*subject)
    page.get_by_text("Click to paint the subject only").wait_for()
    shot(page, "subject")
    page.mouse.move(*place(page, 0.6, 0.1))
    page.get_by_text("Click to paint the background only").wait_for()
    page.mouse.click(*subject)
    expect(page.get_by_role("radio", name="Subject")).to_be_checked()
    page.get_by_role("option", name="Scream").click()
    shot(page, "subject-chosen")
    paint(page, "The Scream, subject")
    _, pixels = download(page, "png")
    photographed = np.all(pixels == data.astronaut(), axis=-1)
    assert photographed[:60, 300:400].all()
    assert photographed[130:220, 190:270].mean() < 0.1

    page.mouse.click(*place(page, 0.6, 0.1))
    expect(page.get_by_role("radio", name="Background")).to_be_checked()
    page.mouse.click(*place(page, 0.6, 0.1))
    expect(page.get_by_role("radio", name="Everything")).to_be_checked()
    assert len(asked) == 1


def test_cancel(open_page: OpenPage, server: RunningServer) -> None:
    page = open_page().page
    choose_photo(page, "large.jpg", photo_of(np.tile(data.astronaut(), (4, 4, 1)), "JPEG"))
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.locator("#said")).to_have_text(re.compile(r"painting, [1-9]\d* %", re.IGNORECASE))
    shot(page, "progress")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Paint", exact=True)).to_be_focused()
    expect(page.get_by_role("status").last).to_have_text("Cancelled.")
    server.wait_for_worker()
    with server.connect() as connection:
        assert connection.status()["jobs_running"] == 0


def test_a_broken_photo(open_page: OpenPage) -> None:
    watched = open_page()
    watched.expected = "status of 4"
    page = watched.page
    drop(page, "#empty", "broken.jpg", photo_of(data.coffee(), "JPEG")[:50])
    problem = page.locator("#photo-problem")
    expect(problem).to_contain_text("broken.jpg")
    shot(page, "broken")
    drop(page, "#empty", "coffee.jpg", photo_of(data.coffee(), "JPEG"))
    photo(page, "coffee.jpg").wait_for()
    expect(problem).to_be_empty()


def test_a_photo_that_no_browser_shows(open_page: OpenPage) -> None:
    page = open_page().page
    choose_photo(page, "deep.tif", photo_of(data.camera().astype(np.uint16) * 257, "TIFF"))
    page.get_by_role("option", name="Great Wave").click()
    paint(page, "The Great Wave off Kanagawa")
    name, pixels = download(page, "tiff")
    assert name == "deep-the-great-wave-off-kanagawa.tiff"
    assert pixels.dtype == np.uint16


def test_pictures_and_mixtures(open_page: OpenPage) -> None:
    page = open_page().page
    choose_photo(page, "cat.jpg", photo_of(data.chelsea(), "JPEG"))
    drop(page, "#gallery", "rocket: at night.jpg", photo_of(data.rocket(), "JPEG"))
    expect(page.get_by_role("option", name="rocket: at night")).to_have_attribute("aria-selected", "true")
    paint(page, "rocket: at night")
    page.get_by_role("button", name="Mix several").click()
    page.get_by_role("tab", name="Techniques").click()
    page.get_by_role("option", name="Mosaic").click()
    page.get_by_label("How much of Mosaic").fill("0.5")
    paint(page, "rocket: at night + Mosaic")
    shot(page, "mixture")
    name, pixels = download(page, "jpg")
    assert (name, pixels.shape) == ("cat-rocket-at-night-mosaic.jpg", data.chelsea().shape)

    paintings = page.get_by_role("list", name="Paintings")
    paintings.get_by_role("button").first.click()
    painting(page, "rocket: at night").wait_for()
    page.get_by_role("button", name="Remove").click()
    expect(paintings.get_by_role("button")).to_have_count(1)
    painting(page, "rocket: at night + Mosaic").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe(open_page: OpenPage, axe: str, scheme: str) -> None:
    """axe-core finds nothing wrong in any state of the page, in the dark neither."""
    page = open_page(color_scheme=scheme, reduced_motion="reduce").page
    page.get_by_role("option").first.wait_for()
    assert problems_of(page, axe) == []
    choose_photo(page, "coffee.png", photo_of(data.coffee()))
    page.get_by_text("More options").click()
    page.get_by_role("radio", name="Subject").check(force=True)
    page.get_by_role("button", name="Mix several").click()
    page.get_by_role("option", name="Udnie").click()
    assert problems_of(page, axe) == []
    paint(page, "The Starry Night + Udnie, subject")
    for name in ("Yours", "Techniques"):
        page.get_by_role("tab", name=name).click()
        assert problems_of(page, axe) == []
    shot(page, f"{scheme}")


def test_names(open_page: OpenPage) -> None:
    """Every control has a name for those who hear the page."""
    page = open_page().page
    choose_photo(page, "coffee.png", photo_of(data.coffee()))
    page.get_by_text("More options").click()
    page.get_by_role("button", name="Mix several").click()
    page.get_by_role("option", name="Udnie").click()
    paint(page, "The Starry Night + Udnie")
    seen = page.locator("body").aria_snapshot()
    roles = "button|checkbox|radio|slider|combobox|option|tab|textbox"
    assert len(re.findall(rf"^\s*- '?(?:{roles})\b", seen, re.MULTILINE)) > 40
    assert re.findall(rf"^\s*- '?(?:{roles})\b(?! \").*", seen, re.MULTILINE) == []


@pytest.mark.parametrize(
    ("name", "width", "height", "scale"), [("phone", 360, 740, 2), ("twice-as-large", 720, 450, 2)]
)
def test_small_windows(open_page: OpenPage, name: str, width: int, height: int, scale: int) -> None:
    page = open_page(viewport={"width": width, "height": height}, device_scale_factor=scale, has_touch=True).page
    shot(page, f"{name}-empty")
    choose_photo(page, "astronaut.png", ASTRONAUT)
    page.get_by_role("option", name="Udnie").tap()
    paint(page, "Udnie")
    page.get_by_role("img", name="The photo").scroll_into_view_if_needed()
    shot(page, name)
    page.get_by_label("Strength").scroll_into_view_if_needed()
    shot(page, f"{name}-choices")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.screenshot(path=OUTPUT / f"{name}-whole.png", full_page=True)


def test_a_key(open_page: OpenPage, server: RunningServer, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    new_key = [sys.executable, "-m", "impasto", "web", "--keys", str(keys), "--new-key", "somebody"]
    key = subprocess.run(new_key, env=server.environment, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    face = WebFace(server, OUTPUT / "web-with-keys.log", "--keys", str(keys))
    try:
        watched = open_page(face)
        watched.expected = "status of 401"
        page = watched.page
        field = page.get_by_label("Key", exact=True)
        field.fill("wrong")
        shot(page, "key")
        field.press("Enter")
        expect(field).to_have_value("")
        field.fill(key)
        page.get_by_role("button", name="Use it").click()
        page.get_by_role("option", name="Udnie").click()
        choose_photo(page, "astronaut.png", ASTRONAUT)
        paint(page, "Udnie")
        page.context.close()
    finally:
        face.stop()
