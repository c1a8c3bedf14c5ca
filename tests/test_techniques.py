"""The example pictures of techniques: each is drawn, always the same, and over the whole sheet."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import techniques

SMALL = (120, 160)


@pytest.mark.parametrize("name", techniques.TECHNIQUES)
def test_a_technique_is_drawn_the_same_each_time_and_leaves_no_part_of_the_sheet_bare(name: str) -> None:
    picture = techniques.draw(name, SMALL)
    assert picture.shape == (*SMALL, 3)
    assert np.isfinite(picture).all()
    assert 0 <= picture.min() < picture.max() <= 1
    np.testing.assert_array_equal(picture, techniques.draw(name, SMALL))
    tiles = picture.mean(-1).reshape(3, 40, 4, 40).std((1, 3))
    assert tiles.min() > 0.01, "a part without a mark of the technique"


def test_the_command_writes_jpegs(tmp_path: Path) -> None:
    script = Path(techniques.__file__)
    names = ["charcoal", "woodcut"]
    size = ["--size", "160", "120"]
    subprocess.run([sys.executable, script, tmp_path / "new", *names, *size], check=True, timeout=300)
    assert sorted(path.stem for path in (tmp_path / "new").iterdir()) == names
    with Image.open(tmp_path / "new" / "charcoal.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (160, 120))
