"""Engines and mask models that other people's packages bring, in a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from impasto_link.errors import BadRequest
from impasto_link.parameters import Parameter
from support import RunningServer

#: With this folder on the path somebody else's engine and mask model are installed.
DUMMY = Path(__file__).parents[1] / "dummy_engine"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder with packages whose engines, or mask models, cannot be used."""
    offers = {
        "missing": ("no_such_module", "no_such_module"),
        "odd": ("json", "json"),
        "twice": ("impasto.engines.fixed", "impasto.masking.own"),
    }
    for name, (engine, masks) in offers.items():
        info = tmp_path / "packages" / f"impasto_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: impasto-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[impasto.engines]\n{name} = {engine}\n[impasto.mask_models]\n{name} = {masks}\n"
        )
    return tmp_path / "packages"


def test_the_mask_model_of_a_package_is_offered_and_finds_the_subject(
    own_server: Callable[..., RunningServer], broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{DUMMY}:{broken}")
    running = own_server("--device", "cpu")
    photo = np.full((64, 96, 3), 20, np.uint8)
    photo[16:48, 32:64] = 240
    with running.connect() as server:
        told = {one["name"]: one for one in server._client.ask("hello").fields["mask_models"]}
        assert next(iter(told)) == "impasto"
        assert told["light"]["title"] == "What is light"
        problems = " ".join(server._client.ask("styles").fields["problems"])
        for words in ("The mask models of", "no_such_module", "There are two mask models impasto"):
            assert words in problems

        found = np.asarray(server.mask(photo, mask_model="light"))
        assert found[20:44, 36:60].min() > 250
        assert found[:10].max() < 5
        painted = np.asarray(server.stylize(photo, "udnie", area="subject", mask_model="light"))
        assert (painted[:10] == photo[:10]).all()
        assert (painted[20:44, 36:60] != photo[20:44, 36:60]).any()
        with pytest.raises(BadRequest, match="mask model 'dark' is not known"):
            server.mask(photo, mask_model="dark")


def test_the_engine_of_a_package_is_offered_paints_and_heeds_its_settings(
    own_server: Callable[..., RunningServer], broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{DUMMY}:{broken}")
    running = own_server("--device", "cpu")
    photo = np.full((24, 32, 3), (250, 100, 50), np.uint8)
    with running.connect() as server:
        engines = {one["name"]: one for one in server._client.ask("hello").fields["engines"]}
        assert list(engines) == ["fixed", "small", "adain", "gatys", "dummy"]
        amount, *_ = (Parameter.from_wire(one) for one in engines["dummy"]["parameters"])
        assert (amount.title, amount.low, amount.high) == ("Amount", 0.0, 1.0)

        problems = " ".join(server._client.ask("styles").fields["problems"])
        for words in ("no_such_module", "json", "impasto.engines.fixed"):
            assert words in problems

        def paint(**settings: object) -> list[int]:
            painted = server.stylize(photo, "udnie", engine="dummy", settings=settings)
            return np.asarray(painted)[0, 0].tolist()

        assert paint() == [5, 155, 205]
        assert paint(amount=0) == [250, 100, 50]
        assert paint(amount=0, swap=True) == [50, 100, 250]
        with pytest.raises(BadRequest, match="dummy has no setting 'size'"):
            paint(size=3)
        with pytest.raises(BadRequest, match="amount is 7, but has to be from 0 to 1"):
            paint(amount=7)
        with pytest.raises(BadRequest, match="engine 'oil' is not known"):
            server.stylize(photo, "udnie", engine="oil")
        with pytest.raises(BadRequest, match="fixed has no setting 'amount'"):
            server.stylize(photo, "udnie", settings={"amount": 0.5})
