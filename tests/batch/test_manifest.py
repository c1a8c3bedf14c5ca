"""The manifest: what it tells of a run, whatever became of that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from impasto.batch.manifest import NAME, Entry, Manifest, settings_of
from impasto.batch.places import LocalPlace
from impasto_link.options import MaskOptions, RefineOptions, StylizeOptions

SETTINGS = settings_of("stylize", StylizeOptions.of("udnie", brush=2.0))


def entry(target: str, **more: object) -> Entry:
    values = {"sha256": "ab", "stamp": "1", "settings": SETTINGS, "seconds": 1.23456, **more}
    return Entry(source="/photos/a.png", targets=(target,), **values)  # type: ignore[arg-type]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest(LocalPlace(tmp_path))


def test_a_line_says_what_became_of_a_picture(manifest: Manifest) -> None:
    manifest.add(entry("day 1/a.png", error="It is damaged."))
    (line,) = Path(str(manifest.place)).read_text().splitlines()
    told = json.loads(line)
    assert list(told) == ["source", "targets", "sha256", "stamp", "settings", "seconds", "error", "version", "when"]
    assert (told["targets"], told["seconds"], told["error"]) == (["day 1/a.png"], 1.235, "It is damaged.")
    assert told["settings"] == {"operation": "stylize", "styles": [["udnie", 1.0]], "brush": 2.0}


def test_of_several_tries_the_last_that_went_well_counts(manifest: Manifest) -> None:
    for one in (entry("a.png", sha256="1"), entry("a.png", sha256="2"), entry("a.png", sha256="3", error="No.")):
        manifest.add(one)
    assert {target: one.sha256 for target, one in manifest.done().items()} == {"a.png": "2"}


def test_half_a_line_is_passed_over_and_ended(manifest: Manifest, tmp_path: Path) -> None:
    manifest.add(entry("a.png"))
    with (tmp_path / NAME).open("ab") as file:
        file.write(entry("b.png").to_line()[:40])
    assert set(manifest.done()) == {"a.png"}
    manifest.add(entry("c.png"))
    assert set(manifest.done()) == {"a.png", "c.png"}
    assert len((tmp_path / NAME).read_bytes().splitlines()) == 3


def test_what_a_person_did_to_it_does_no_harm(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"")
    assert manifest.done() == {}
    (tmp_path / NAME).write_bytes(b'null\n[]\n{"source": 1}\n\xff\n')
    manifest.add(entry("a.png"))
    assert set(manifest.done()) == {"a.png"}


def test_a_picture_is_known_by_its_bytes(tmp_path: Path) -> None:
    source = LocalPlace(tmp_path / "a.png")
    source.path.write_bytes(b"one")
    made = entry("a.png", stamp=source.stamp(), sha256="of other bytes")
    assert made.is_of(source, SETTINGS), "with the same stamp it is not read"
    made = entry("a.png", sha256="7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed")
    assert made.is_of(source, SETTINGS), "it was copied or touched"
    source.path.write_bytes(b"two")
    assert not made.is_of(source, SETTINGS)
    source.path.write_bytes(b"one")
    assert not made.is_of(source, settings_of("stylize", StylizeOptions.of("udnie")))


def test_settings_are_what_is_not_as_usual() -> None:
    assert settings_of("mask", MaskOptions(device="cpu"), quality=95, mask=None) == {"operation": "mask", "quality": 95}
    refined = StylizeOptions.of("udnie", refine=RefineOptions(preset="fine", iterations=20), background_style="a:2")
    assert settings_of("stylize", refined) == {
        "operation": "stylize",
        "styles": [["udnie", 1.0]],
        "background_styles": [["a", 2.0]],
        "refine": {"preset": "fine", "iterations": 20},
    }
