"""The folder of the page that paints in browsers. Browsers themselves: tests/real_browser/folder_proofs.py."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from impasto.cli import main
from impasto.export import ort_web
from impasto.export.page import POLICY, offered_networks, write_page
from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.bank import save_bank
from impasto.zoo.library import Library

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Two styles of a small network, one of them at two strengths."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(3)
    net = StyleBankNet(width=4, blocks=1).eval()

    def codes(strengths: int) -> torch.Tensor:
        return net.neutral_code() + 0.2 * torch.randn(1, strengths, net.code_length)

    save_bank(folder / "tiny.safetensors", net, {"waves": codes(1)}, [{"name": "waves", "title": "Waves"}], {})
    night = {"night": codes(2)}
    more = folder / "more.safetensors"
    save_bank(more, net, night, [{"name": "night", "title": "Night"}], {}, strengths=(0.5, 1.0), with_body=False)
    (folder / "tiny.thumbnails").mkdir()
    (folder / "tiny.thumbnails" / "waves.jpg").write_bytes(b"a picture")
    return Library([folder])


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies where onnxruntime-web does."""
    folder = tmp_path_factory.mktemp("onnxruntime-web")
    (folder / "package.json").write_text(json.dumps({"version": ort_web.VERSION}))
    (folder / "dist").mkdir()
    for name in ort_web.FILES:
        (folder / "dist" / name).write_text(name)
    return folder


@pytest.fixture(scope="module")
def page(library: Library, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("host") / "page"
    folder.mkdir()
    (folder / "page.json").write_text("{}")
    (folder / "of-before.txt").write_text("gone")
    written = write_page(folder, offered_networks(library, "tiny"), library, replace=True, runtime=runtime)
    assert written.sizes == {path.relative_to(folder).as_posix(): path.stat().st_size for path in _files(folder)}
    return folder


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_page_has_all_that_it_asks_for(page: Path) -> None:
    there = {path.relative_to(page).as_posix() for path in _files(page)}
    # The page that was there is gone, as a whole.
    assert "of-before.txt" not in there
    listed = dict(re.findall(r"const (\w+) = (.*);", (page / "files.js").read_text()))
    assert {*json.loads(listed["FILES"]), "files.js"} == there
    assert json.loads(listed["POLICY"]) == POLICY
    index = (page / "index.html").read_text()
    assert f'content="{POLICY}"' in index
    asked = set(re.findall(r'(?:href|src)="([^"]+)"', index))
    for script in page.glob("*.js"):
        asked |= set(
            re.findall(
                r'(?:from|fetch\(|importScripts\(|new URL\(|register\()\s*"(?:\./)?([\w.-]+)"', script.read_text()
            )
        )
    assert asked <= there
    facts = json.loads((page / "page.json").read_text())
    assert {style["name"]: style.get("thumbnail") for style in facts["styles"]} == {
        "waves": "styles/waves.jpg",
        "night": None,
    }
    for network in facts["networks"]:
        assert {network["file"], network["codes"]} <= there
        assert (page / network["file"]).stat().st_size == network["bytes"]
    assert facts["runtime"] == {name: len(name) for name in ort_web.FILES}
    assert not list(page.parent.glob(".*"))


def test_a_page_has_the_painting_that_its_network_makes(page: Path) -> None:
    network = json.loads((page / "page.json").read_text())["networks"][0]
    codes = json.loads((page / network["codes"]).read_text())
    assert {name: style["strengths"] for name, style in codes["styles"].items()} == {"night": [0.5, 1], "waves": [1]}
    trial = network["reference"]
    code = _read(codes["styles"][trial["style"]]["codes"], "<f4").reshape(-1, codes["length"])[-1:]
    photo, painting = (_read(trial[name], "u1").reshape(1, 3, trial["height"], -1) for name in ("photo", "painting"))
    session = onnxruntime.InferenceSession(page / network["file"])
    made = session.run(None, {"image": photo.astype(np.float32) / 255, "code": code})[0]
    assert np.abs(made * 255 - painting).max() < 0.51
    assert painting.std() > 10


def _read(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs the command in a folder of its own, where it fails; returns what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: Any) -> str:
        assert main(["export", *map(str, arguments)]) == 1
        return capsys.readouterr().err

    return run


def test_a_folder_of_others_is_left_alone(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo.jpg").write_bytes(b"")
    said = refused("--page", "holiday", "--existing", "replace")
    assert "holiday is not empty, and no page of Impasto." in said
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "page.json").write_text("{}")
    assert "page is there already." in refused("--page", "page")
    (tmp_path / "file").write_text("")
    assert "file is a file; the page is a folder." in refused("--page", "file")
    assert "There is no bank 'clasic'" in refused("clasic", "--page", "new").replace('"', "'")
    assert "A page has all styles of its bank" in refused("--page", "new", "--style", "udnie")
    assert "What is to be exported?" in refused("-o", "new.onnx")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made(library: Library, runtime: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="is not a folder, so there can be no"):
        write_page(tmp_path / "file" / "page", offered_networks(library, "tiny"), library, runtime=runtime)


def test_npm_is_not_there(refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = refused("--page", "new")
    assert f"The page needs onnxruntime-web@{ort_web.VERSION}, which comes from npm, and there is no npm here." in said
    assert "--runtime FILE.tgz" in said
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    npm.chmod(0o755)
    assert "npm could not fetch" in (said := refused("--page", "new"))
    assert "ENOTFOUND" in said
    npm.write_text("#!/bin/sh\necho something else >onnxruntime-web.tgz\n")
    assert "is not what it has to be" in refused("--page", "new")
    assert not (tmp_path / "new").exists()


def test_another_runtime_is_refused(refused: Refused, runtime: Path, tmp_path: Path) -> None:
    assert "There is no gone.tgz." in refused("--page", "new", "--runtime", "gone.tgz")
    (tmp_path / "damaged.tgz").write_bytes(b"damaged")
    said = refused("--page", "new", "--runtime", "damaged.tgz")
    assert f"damaged.tgz is not the package onnxruntime-web@{ort_web.VERSION}, or it is damaged." in said
    (tmp_path / "empty").mkdir()
    assert "empty does not hold onnxruntime-web" in refused("--page", "new", "--runtime", "empty")
    (tmp_path / "empty" / "package.json").write_text('{"version": "1.2.0"}')
    assert "empty holds onnxruntime-web 1.2.0" in refused("--page", "new", "--runtime", "empty")
