"""Pictures that were kept as styles: for all strokes and strengths, and for networks that come after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.cli import main
from impasto.client import to_region
from impasto.imaging import files
from impasto.keeping import keep
from impasto.pipeline import Pipeline
from impasto.progress import nobody
from impasto.zoo.bank import load_codes
from impasto.zoo.grid import CodeGrid
from impasto.zoo.library import Library
from impasto_link.errors import ModelProblem
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region
from small_models import GRID, save_small_models, small_net


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder, beside which none is shipped."""
    folder = tmp_path / "models"
    save_small_models(folder, small_net())
    monkeypatch.setenv("IMPASTO_MODELS", str(folder))
    monkeypatch.setattr("impasto.zoo.library.shipped_models", lambda: tmp_path / "nothing")
    # Small pictures are large enough then, and quickly read.
    monkeypatch.setattr("impasto.engines.pictures.STYLE_SIDE", 100)
    monkeypatch.setattr("impasto.engines.by_code.fast_dtype", lambda device: torch.float32)
    return folder


@pytest.fixture(scope="module")
def picture(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[:448:2, ::2])


def paint(photo: np.ndarray, name: str, *, sent: Region | None = None, **options: Any) -> np.ndarray:
    pipeline = Pipeline(Library(), torch.device("cpu"))
    pictures = None if sent is None else {name: sent}
    layer = pipeline.stylize(to_region(photo)[0], StylizeOptions.of(name, **options), nobody, pictures=pictures)
    return np.frombuffer(layer.pixels.data, np.uint8).reshape(photo.shape).astype(int)


@pytest.fixture
def photo(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[40:120, 160:260])


def install_another_network(models: Path) -> None:
    """As an update does."""
    save_small_models(models, small_net(seed=7))


def test_a_kept_picture_has_the_strokes_and_strengths_of_the_picture(
    models: Path, picture: np.ndarray, photo: np.ndarray
) -> None:
    kept = keep(to_region(picture)[0], "cup")
    (codes,) = load_codes(kept.path).values()
    assert codes.grid == GRID
    small = keep(to_region(np.ascontiguousarray(picture[:125, :200]))[0], "small cup")
    assert load_codes(small.path)["small-cup"].grid == CodeGrid((0.64, 1.0, 1.25), GRID.strengths)
    for brush, strength in ((1.0, 1.0), (1.3, 0.8), (3.0, 0.3)):
        by_name = paint(photo, "cup", brush=brush, strength=strength)
        sent = paint(photo, "x", sent=to_region(picture)[0], brush=brush, strength=strength)
        assert np.abs(by_name - sent).max() <= 1, "codes are rounded as they are stored"


def test_after_an_update_a_kept_picture_is_read_by_the_new_network(
    models: Path, picture: np.ndarray, photo: np.ndarray
) -> None:
    keep(to_region(picture)[0], "cup")
    before = paint(photo, "cup")
    install_another_network(models)
    library = Library()
    assert "cup" in [style.name for style in library.styles()]
    assert not library.problems()
    again = paint(photo, "cup")
    beside = files.read(library.style("cup").exemplar() or "")[0]
    assert np.array_equal(again, paint(photo, "x", sent=beside))
    assert np.abs(again - paint(photo, "x", sent=to_region(picture)[0])).mean() < 2, "a JPEG of it"
    assert np.abs(again - before).mean() > 5
    pipeline = Pipeline(library, torch.device("cpu"))
    mixed = StylizeOptions.of({"cup": 1, "night": 1}, brush=1.3, strength=0.8)
    pipeline.stylize(to_region(photo)[0], mixed, nobody)


def test_where_its_picture_is_gone_it_is_said_what_to_do(
    models: Path, picture: np.ndarray, photo: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = keep(to_region(picture)[0], "cup")
    (models / "cup.exemplars" / "cup.jpg").unlink()
    assert paint(photo, "cup").any(), "its own network is there"
    install_another_network(models)
    says = "'?cup'? was kept for a network that is not installed any more.*impasto keep PICTURE --name cup"
    with pytest.raises(ModelProblem, match=says):
        paint(photo, "cup")
    assert main(["styles"]) == 0
    assert "impasto keep PICTURE --name cup" in capsys.readouterr().err
    main(["doctor"])
    assert "impasto keep PICTURE --name cup" in capsys.readouterr().out
    assert main(["keep", "--again", "cup"]) == 1
    assert "no picture of the style" in capsys.readouterr().err
    assert keep(to_region(picture)[0], "cup").path == kept.path
    assert paint(photo, "cup").any()
    assert not Library().problems()


def test_it_can_be_read_anew_once_and_for_all(
    models: Path, picture: np.ndarray, photo: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(to_region(picture)[0], "cup", title="My Cup", artist="Me")
    install_another_network(models)
    read_while_painting = paint(photo, "cup")
    assert main(["keep", "--again", "cup"]) == 0
    style = Library().style("cup")
    assert (style.title, style.artist, style.bank.body) == ("My Cup", "Me", Library().style("night").bank.body)
    (models / "cup.exemplars" / "cup.jpg").unlink()
    assert np.abs(paint(photo, "cup") - read_while_painting).max() <= 1
    assert keep(to_region(picture)[0], "cup", title="Still the same picture").path == style.bank.weights
    assert main(["keep", "--again", "night"]) == 1
    assert "no picture that was kept" in capsys.readouterr().err
    assert main(["keep", "--again", "cup", "--title", "Other"]) == 1


def test_what_is_transparent_stays_so_beside_the_code(
    models: Path, picture: np.ndarray, photo: np.ndarray, tmp_path: Path
) -> None:
    alpha = np.full((*picture.shape[:2], 1), 255, np.uint8)
    alpha[:, :80] = 0
    Image.fromarray(np.concatenate([picture, alpha], 2)).save(tmp_path / "cup.png")
    assert main(["keep", str(tmp_path / "cup.png")]) == 0
    install_another_network(models)
    whole = files.read(tmp_path / "cup.png")[0]
    assert np.abs(paint(photo, "cup") - paint(photo, "x", sent=whole)).max() <= 1
