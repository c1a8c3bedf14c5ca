"""Engines that other people's packages bring, in a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from impasto_link.errors import BadRequest
from impasto_link.parameters import Parameter
from support import RunningServer

#: With this folder on the path somebody else's engine is installed.
DUMMY = Path(__file__).parents[1] / "dummy_engine"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder with packages whose engines cannot be used."""
    offers = {"missing": "no_such_module", "odd": "json", "twice": "impasto.engines.fixed"}
    for name, place in offers.items():
        info = tmp_path / "packages" / f"impasto_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: impasto-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[impasto.engines]\n{name} = {place}\n")
    return tmp_path / "packages"


def test_the_engine_of_a_package_is_offered_paints_and_heeds_its_settings(
    own_server: Callable[..., RunningServer], broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{DUMMY}:{broken}")
    running = own_server("--device", "cpu")
    photo = np.full((24, 32, 3), (250, 100, 50), np.uint8)
    with running.connect() as server:
        engines = {one["name"]: one for one in server._client.ask("hello").fields["engines"]}
        assert list(engines) == ["fixed", "adain", "gatys", "dummy"]
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
