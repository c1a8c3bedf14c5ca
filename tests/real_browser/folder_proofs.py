"""Proofs of the page that paints by itself (`impasto export --page`) in a real Chromium: `make test-web`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from skimage import data

from real_browser.hands import (
    choose_photo,
    decibels,
    download,
    drop,
    on_command_line,
    painting,
    photo,
    photo_of,
    problems_of,
    shot,
    tab_to,
)
from real_browser.stage import OUTPUT, PATIENCE, Watched
from real_browser.static import StaticHost
from support import RunningServer

OpenFolder = Callable[..., Watched]

expect.set_options(timeout=PATIENCE)
#: Below the root of its host: a page may lie anywhere.
PLACE = "paint/here"
#: A card that Chromium computes by itself.
PRETENDED_CARD = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
CAT = photo_of(data.chelsea()[:251, 60:361])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a host, with the page in it."""
    root = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "impasto", "export", "--page", str(root / PLACE)], check=True)
    return root


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One that computes in the numbers that browsers compute in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_OFFLINE", "1")
        patch.setenv("IMPASTO_DTYPE", "float32")
        running = RunningServer(tmp_path_factory.mktemp("server"))
    running.wait_for_worker()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def host(site: Path) -> Iterator[StaticHost]:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    running = StaticHost(site, OUTPUT / "static.log")
    yield running
    running.stop()


@pytest.fixture
def open_folder(browser: Browser, host: StaticHost) -> Iterator[OpenFolder]:
    """Opens the page; arguments are those of a browser's context. What went wrong on it fails the proof."""
    opened: list[Watched] = []

    def open_one(origin: str = host.origin, facts: dict[str, Any] | None = None, **context: Any) -> Watched:
        if facts:
            # Where a service worker answers, nothing can be put in its place.
            context["service_workers"] = "block"
        made = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **context})
        if facts:
            made.route("**/page.json", lambda route: _with(route, facts))
        return watch(made, origin, opened)

    yield open_one
    for watched in opened:
        watched.page.context.close()
        watched.check()


def watch(context: BrowserContext, origin: str, opened: list[Watched]) -> Watched:
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    watched = Watched(page, origin)
    context.on("request", lambda request: watched.look_where(request.url))
    opened.append(watched)
    page.goto(f"{origin}/{PLACE}/")
    page.get_by_role("option").first.wait_for()
    return watched


def _with(route: Route, facts: dict[str, Any]) -> None:
    """Answer with the page's facts, of which those of the first network are others."""
    answer = route.fetch()
    page = answer.json()
    page["networks"][0] |= facts
    route.fulfill(response=answer, json=page)


def ready(watched: Watched) -> Watched:
    """Once all is kept for when there is no network."""
    expect(watched.page.locator("#offline")).to_have_text("It works offline, too.")
    return watched


def paint(watched: Watched, title: str) -> None:
    """Paint, and wait for the painting of that title, however long that takes."""
    watched.page.get_by_role("button", name="Paint", exact=True).click()
    painting(watched.page, title).wait_for(timeout=10 * PATIENCE)


def painted(page: Page) -> np.ndarray:
    """The painting as it is downloaded, which Chromium gives an alpha of 255 throughout."""
    _, pixels = download(page, "png")
    return pixels[..., :3]


@pytest.mark.parametrize(
    ("title", "strength", "options"),
    [
        ("Udnie", "100", ["--style", "udnie"]),
        ("Udnie + Mosaic", "100", ["--style", "udnie:1", "--style", "mosaic:0.5"]),
        ("The Scream, strength 50 %", "50", ["--style", "the-scream", "--strength", "0.5"]),
    ],
)
def test_like_the_command_line(
    open_folder: OpenFolder, server: RunningServer, tmp_path: Path, title: str, strength: str, options: list[str]
) -> None:
    watched = ready(open_folder())
    page = watched.page
    drop(page, "#empty", "cat.png", CAT)
    photo(page, "cat.png").wait_for()
    first, *others = re.sub(",.*", "", title).split(" + ")
    page.get_by_role("option", name=first).click()
    if others:
        page.get_by_role("button", name="Mix several").click()
        page.get_by_role("tab", name="Techniques").click()
        page.get_by_role("option", name=others[0], exact=True).click()
        page.get_by_label(f"How much of {others[0]}").fill("0.5")
    page.get_by_role("slider", name="Strength").fill(strength)
    paint(watched, title)
    pixels = painted(page)
    wanted = on_command_line(server, tmp_path, CAT, *options)
    assert decibels(pixels, wanted) > 45
    name, jpeg = download(page, "jpg")
    assert name.endswith(".jpg")
    assert decibels(jpeg, wanted) > 30
    # Other strengths of a painting that is there are no work for the network.
    page.get_by_role("slider", name="Strength").fill("20")
    paint(watched, re.sub(",.*", "", title) + ", strength 20 %")


def test_a_megapixel_by_keyboard_alone(open_folder: OpenFolder, server: RunningServer, tmp_path: Path) -> None:
    rocket = np.tile(data.rocket(), (2, 2, 1))[:850, :1200]
    page = (watched := ready(open_folder())).page
    expect_threads(watched, True)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose a photo…")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "rocket.png", "mimeType": "", "buffer": photo_of(rocket)})
    photo(page, "rocket.png").wait_for()
    tab_to(page, "tab", "Paintings")
    page.keyboard.press("Tab")
    expect(page.get_by_role("option", name="Starry Night")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    tab_to(page, "button", "Paint")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text(re.compile("Painting 1.0 megapixels, "))
    shot(page, "folder-progress")
    painting(page, "The Great Wave off Kanagawa").wait_for(timeout=10 * PATIENCE)
    expect(page.get_by_label("How much of the photo")).to_be_focused()
    expect(page.locator("#notes")).to_contain_text("threads of the processor")
    expect(page.get_by_role("status").last).to_contain_text("Painted: The Great Wave off Kanagawa.")
    shot(page, "folder-painted")
    name, _ = download(page, "png")
    assert name == "rocket-the-great-wave-off-kanagawa.png"
    assert decibels(painted(page), on_command_line(server, tmp_path, photo_of(rocket), "--style", "great-wave")) > 45


def expect_threads(watched: Watched, has: bool) -> None:
    assert watched.page.evaluate("crossOriginIsolated") is has


def test_the_quick_network(open_folder: OpenFolder) -> None:
    page = (watched := ready(open_folder())).page
    drop(page, "#empty", "cat.png", CAT)
    photo(page, "cat.png").wait_for()
    paint(watched, "The Starry Night")
    best = painted(page)
    page.get_by_text("More options").click()
    page.get_by_role("combobox", name="Quality").select_option(label="Quick")
    paint(watched, "The Starry Night, quality quick")
    assert 15 < decibels(best, painted(page)) < 40


def test_offline(browser: Browser, site: Path) -> None:
    """Once it was loaded, the page needs its host no more; what it keeps is the page of that place alone."""
    host = StaticHost(site, OUTPUT / "static-offline.log")
    opened: list[Watched] = []
    try:
        context = browser.new_context()
        ready(watch(context, host.origin, opened)).page.close()
    finally:
        host.stop()
    watched = watch(context, host.origin, opened)
    expect_threads(watched, True)
    drop(watched.page, "#empty", "cat.png", CAT)
    photo(watched.page, "cat.png").wait_for()
    paint(watched, "The Starry Night")
    context.close()
    for one in opened:
        one.check()


def test_without_service_worker(open_folder: OpenFolder) -> None:
    """Where there is none, as on a host without https, the page paints, with one thread."""
    watched = open_folder(service_workers="block")
    watched.expected = "Service Worker"
    expect_threads(watched, False)
    drop(watched.page, "#empty", "cat.png", CAT)
    photo(watched.page, "cat.png").wait_for()
    paint(watched, "The Starry Night")
    expect(watched.page.locator("#notes")).to_have_text(re.compile(r"Painted in \d+ seconds? by the processor\."))


def test_nothing_leaves(open_folder: OpenFolder, site: Path) -> None:
    """Neither the page nor its worker may ask anybody else for anything, whatever script there was."""
    elsewhere = StaticHost(site, log := OUTPUT / "static-elsewhere.log")
    log.write_bytes(b"")
    try:
        watched = ready(open_folder())
        watched.expected = f"Content Security Policy|Failed to fetch|a request to {elsewhere.origin}"
        tries = """async (address) => {
            const shown = Object.assign(new Image(), { src: address }).decode();
            const asked = [fetch(address, { mode: "no-cors" }), shown];
            return (await Promise.allSettled(asked)).map(({ status }) => status);
        }"""
        assert watched.page.evaluate(tries, f"{elsewhere.origin}/{PLACE}/icon.svg") == ["rejected"] * 2
        drop(watched.page, "#empty", "cat.png", CAT)
        photo(watched.page, "cat.png").wait_for()
        paint(watched, "The Starry Night")
        worker = next(one for one in watched.page.workers if one.url.endswith("/worker.js"))
        asked = "(address) => fetch(address, { mode: 'no-cors' }).then(() => 'there', () => 'no')"
        assert worker.evaluate(asked, f"{elsewhere.origin}/{PLACE}/icon.svg") == "no"
    finally:
        elsewhere.stop()
    assert log.read_bytes() == b""


def test_a_photo_that_is_too_large(open_folder: OpenFolder) -> None:
    """It is painted smaller, and the page says so."""
    watched = open_folder(facts={"bytes_per_pixel": 3.4e9 / 40_000})
    watched.expected = "Service Worker"
    page = watched.page
    drop(page, "#empty", "cat.png", CAT)
    photo(page, "cat.png").wait_for()
    paint(watched, "The Starry Night")
    expect(page.locator("#notes")).to_contain_text("The photo has 0.1 megapixels, more than this browser can paint")
    shot(page, "folder-too-large")
    pixels = painted(page)
    assert 38_000 < pixels.shape[0] * pixels.shape[1] <= 40_000


def test_a_browser_that_computes_wrongly(open_folder: OpenFolder) -> None:
    watched = open_folder(
        facts={"reference": {"style": "udnie", "width": 8, "height": 8, "photo": "A" * 256, "painting": "A" * 256}}
    )
    watched.expected = "Service Worker"
    drop(watched.page, "#empty", "cat.png", CAT)
    photo(watched.page, "cat.png").wait_for()
    watched.page.get_by_role("button", name="Paint", exact=True).click()
    expect(watched.page.locator("#paint-problem")).to_contain_text("a trial came out wrong")


def test_pictures_that_are_none(open_folder: OpenFolder) -> None:
    watched = ready(open_folder())
    page = watched.page
    problem = page.locator("#photo-problem")
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(problem).to_contain_text("There is no photo yet")
    for name, file in (("broken.jpg", photo_of(data.coffee(), "JPEG")[:50]), ("notes.txt", b"no picture")):
        drop(page, "#empty", name, file)
        expect(problem).to_have_text(f"{name} is no picture that this browser can read, or it is damaged.")
    shot(page, "folder-broken")
    drop(page, "#empty", "tiny.png", photo_of(data.coffee()[:5, :400]))
    photo(page, "tiny.png").wait_for()
    expect(problem).to_be_empty()
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(problem).to_have_text("The photo is 400 x 5 pixels; it has to be at least 8 x 8.")


def test_cancel(open_folder: OpenFolder) -> None:
    page = (watched := ready(open_folder())).page
    choose_photo(page, "large.jpg", photo_of(np.tile(data.astronaut(), (3, 3, 1)), "JPEG"))
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.locator("#said")).to_have_text(re.compile("Painting 2.4 megapixels, [2-9]"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Paint", exact=True)).to_be_focused()
    expect(page.get_by_role("status").last).to_have_text("Cancelled.")
    # What paints has to be begun anew.
    page.get_by_role("button", name="Another photo…").click()
    drop(page, "#stage", "cat.png", CAT)
    photo(page, "cat.png").wait_for()
    paint(watched, "The Starry Night")


def test_as_a_file(browser: Browser, site: Path) -> None:
    """Opened from a disk it cannot run; it says how it can."""
    page = browser.new_page()
    page.goto((site / PLACE / "index.html").as_uri())
    expect(page.get_by_text("python -m http.server")).to_be_visible()
    shot(page, "folder-as-a-file")
    page.close()


def test_graphics_card(launch: Callable[..., Browser], host: StaticHost) -> None:
    """By WebGPU it paints what the processor paints, on a card that Chromium only pretends to have."""
    browser = launch(*PRETENDED_CARD)
    watched = watch(browser.new_context(), host.origin, [])
    watched.expected = "adapter|GPU"
    page = ready(watched).page
    drop(page, "#empty", "eye.png", photo_of(data.chelsea()[90:151, 150:225]))
    photo(page, "eye.png").wait_for()
    page.get_by_text("More options").click()
    page.get_by_role("combobox", name="Quality").select_option(label="Quick")
    pixels = {}
    for kind in ("graphics card", "processor"):
        page.get_by_role("combobox", name="Compute").select_option(label=kind.capitalize())
        paint(watched, f"The Starry Night, quality quick, compute {kind}")
        expect(page.locator("#notes")).to_contain_text(f"{kind}.")
        expect(page.locator("#notes")).not_to_contain_text("could not be used")
        pixels[kind] = painted(page)
    browser.close()
    watched.check()
    assert decibels(*pixels.values()) > 45


def test_a_graphics_card_that_is_not_there(open_folder: OpenFolder) -> None:
    """The processor paints, and the page says so."""
    watched = ready(open_folder())
    watched.expected = "adapter|GPU"
    page = watched.page
    drop(page, "#empty", "cat.png", CAT)
    photo(page, "cat.png").wait_for()
    page.get_by_text("More options").click()
    page.get_by_role("combobox", name="Compute").select_option("gpu")
    paint(watched, "The Starry Night, compute graphics card")
    expect(page.locator("#notes")).to_contain_text("The graphics card could not be used")
    shot(page, "folder-no-card")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe(open_folder: OpenFolder, axe: str, scheme: str) -> None:
    """axe-core finds nothing wrong in any state of the page, in the dark neither."""
    # What looks at the page is a script that the page would not let in.
    watched = ready(open_folder(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True))
    page = watched.page
    shot(page, f"folder-{scheme}-empty")
    assert problems_of(page, axe) == []
    drop(page, "#empty", "cat.png", CAT)
    photo(page, "cat.png").wait_for()
    page.get_by_text("More options").click()
    page.get_by_role("button", name="Mix several").click()
    page.get_by_role("option", name="Udnie").click()
    assert problems_of(page, axe) == []
    paint(watched, "The Starry Night + Udnie")
    page.get_by_role("tab", name="Techniques").click()
    assert problems_of(page, axe) == []
    shot(page, f"folder-{scheme}")


@pytest.mark.parametrize(
    ("name", "width", "height", "scale"), [("phone", 360, 740, 2), ("twice-as-large", 720, 450, 2)]
)
def test_small_windows(open_folder: OpenFolder, name: str, width: int, height: int, scale: int) -> None:
    watched = ready(open_folder(viewport={"width": width, "height": height}, device_scale_factor=scale, has_touch=True))
    page = watched.page
    shot(page, f"folder-{name}-empty")
    drop(page, "#empty", "cat.png", CAT)
    photo(page, "cat.png").wait_for()
    page.get_by_role("option", name="Udnie").tap()
    paint(watched, "Udnie")
    page.get_by_role("img", name="The photo").scroll_into_view_if_needed()
    shot(page, f"folder-{name}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.screenshot(path=OUTPUT / f"folder-{name}-whole.png", full_page=True)
