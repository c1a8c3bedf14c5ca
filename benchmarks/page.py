"""The page that paints by itself, in a real Chromium, beside Impasto's own painting.

    python benchmarks/page.py [--sizes 512 1024x768] [--arguments=--use-angle=vulkan ...]

Prints Markdown. A painting is made in the page, by its own code, and then in this process, as often, with as many
threads, in float32. Without a service worker a page is not isolated, so it has one thread. Where Chromium has a
graphics card, that is measured, too; ``--arguments`` are Chromium's own, should it need some for that.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from impasto.export.check import sample
from impasto.export.source import Source, of_bank, of_student
from impasto.zoo.library import Library
from impasto.zoo.student import student_named
from real_browser.stage import launcher
from real_browser.static import StaticHost

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TURNS = 3

#: Loads a network of the page, by the code of the page.
LOAD = """async ([name, kind]) => {
    const { load } = await import("./network.js");
    const { networks } = await (await fetch("page.json")).json();
    if (!networks.some((one) => one.name === name)) throw new Error(`no network ${name}`);
    globalThis.network = await load(name, kind, () => {});
    return network.by;
}"""
#: Seconds for a picture of that size; the first time is for what comes only once.
PAINT = """async ([width, height, turns]) => {
    const planes = Float32Array.from({ length: 3 * width * height }, (_, at) => (at * 2654435761 % 4096) / 4096);
    const code = network.codes.get("starry-night").codes.at(-1);
    const times = [];
    for (let turn = 0; turn <= turns; turn += 1) {
        await network.paint(planes, width, height, code);
        times.push(network.took / 1000);
    }
    return times.slice(1);
}"""

HAS_CARD = """async () => {
    const adapter = await navigator.gpu?.requestAdapter();
    return Boolean(adapter) && !adapter.info.isFallbackAdapter;
}"""


def sources() -> dict[str, Source]:
    """What a page calls Best and Quick, by their names."""
    library = Library()
    bank = next(bank for bank in library.banks() if bank.name == "classic")
    student = student_named(library.folders, "small")
    assert student is not None
    return {source.name: source for source in (of_bank(bank, library), of_student(student))}


def own_seconds(source: Source, height: int, width: int, threads: int) -> float:
    """How long Impasto takes for it."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    picture, times = sample(height, width), []
    for _ in range(TURNS + 1):
        started = time.perf_counter()
        source.reference(picture)
        times.append(time.perf_counter() - started)
    torch.set_num_threads(before)
    return statistics.median(times[1:])


def opened(browser: Browser, origin: str, isolated: bool) -> Page:
    page = browser.new_context(service_workers="allow" if isolated else "block").new_page()
    page.set_default_timeout(0)
    page.goto(origin)
    page.get_by_role("option").first.wait_for()
    if isolated:
        page.get_by_text("It works offline, too.").wait_for()
        page.wait_for_function("crossOriginIsolated")
    return page


def measure(page: Page, kind: str, sizes: list[tuple[int, int]], networks: dict[str, Source]) -> None:
    for name, source in networks.items():
        by = page.evaluate(LOAD, [name, kind])
        threads = int(by.split()[0]) if by[0].isdigit() else 1
        for height, width in sizes:
            seconds = statistics.median(page.evaluate(PAINT, [width, height, TURNS]))
            ratio = seconds / own_seconds(source, height, width, threads)
            print(f"| {name} | {by} | {width} x {height} | {seconds:.1f} s | {ratio:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=["320x240", "512", "1024", "2000"], help="width x height")
    parser.add_argument("--arguments", nargs="*", default=[])
    options = parser.parse_args()
    pairs = [text.partition("x") for text in options.sizes]
    sizes = [(int(height or width), int(width)) for width, _, height in pairs]
    networks = sources()
    with tempfile.TemporaryDirectory() as text, launcher() as launch:
        folder = Path(text)
        subprocess.run([sys.executable, "-m", "impasto", "export", "--page", folder / "page"], check=True)
        host = StaticHost(folder / "page", folder / "host.log")
        browser = launch(*options.arguments)
        print(f"\n{platform.machine()}, Chromium {browser.version}, torch {torch.__version__}\n")
        print("| network | computed by | width x height | | to Impasto's in float32 |")
        print("|---" * 5 + "|", flush=True)
        for isolated in (False, True):
            measure(opened(browser, host.origin, isolated), "cpu", sizes, networks)
        page = opened(browser, host.origin, True)
        if page.evaluate(HAS_CARD):
            measure(page, "gpu", sizes, networks)
        else:
            print("\nChromium has no graphics card here.")
        browser.close()
        host.stop()


if __name__ == "__main__":
    main()
