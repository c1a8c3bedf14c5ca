"""A clip as a phone films it, painted: what is to be kept is compared, and sheets of its frames are to be looked at.

VIDEO_OUTPUT=build/video python -m pytest tests/video/proof_phone.py
"""

from __future__ import annotations

import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from clips import make_clip, onset, packets_of, seconds_of
from impasto.cli import main
from impasto.video.reading import open_video
from impasto.video.sheet import contact_sheet

OUTPUT = Path(os.environ.get("VIDEO_OUTPUT", "build/video"))
#: Frames, and their size as they are seen.
COUNT, WIDTH, HEIGHT = 36, 180, 320

pytestmark = pytest.mark.usefixtures("running_server")


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand that follows a person who comes nearer, held upright: stored on its side, in the colours of Display P3."""
    from skimage import data

    photo = Image.fromarray(data.astronaut())
    rng = np.random.default_rng(3)
    frames = []
    for step in range(COUNT):
        zoom = 1 + step / COUNT / 2
        left, top = 60 + 1.5 * step + rng.normal(0, 0.4), 4 + 0.6 * step + rng.normal(0, 0.4)
        box = (left, top, left + 2 * WIDTH / 1.3 / zoom, top + 2 * HEIGHT / 1.3 / zoom)
        upright = np.asarray(photo.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box))
        frames.append(np.ascontiguousarray(np.rot90(upright, 1)))
    return make_clip(
        tmp_path_factory.mktemp("phone") / "phone.mov",
        frames,
        times=np.cumsum(rng.integers(16, 26, COUNT)).tolist(),
        rotation=-90,
        colors=(12, 1, 6, 1),
        sound="aac",
        chapters=True,
        options={"bf": "2"},
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("painted", ["--style", "starry-night"]),
        ("background", ["--style", "great-wave", "--area", "background"]),
        ("two", ["--style", "udnie", "--background-style", "starry-night"]),
    ],
)
def test_a_clip_of_a_phone_is_painted(phone: Path, name: str, words: list[str]) -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    out = OUTPUT / f"{name}.mov"
    assert main(["video", str(phone), "-o", str(out), "--existing", "replace", *words]) == 0
    assert seconds_of(out) == seconds_of(phone)
    assert packets_of(out, "audio") == packets_of(phone, "audio")
    assert onset(out) == onset(phone)
    assert open_video(out).colors == open_video(phone).colors
    with av.open(str(out)) as container:
        assert container.metadata["title"] == "A day out"
    # As a player shows them: OpenCV turns frames, too.
    capture = cv2.VideoCapture(str(out))
    seen = [capture.read()[1][..., ::-1] for _ in range(COUNT)]
    assert seen[0].shape == (HEIGHT, WIDTH, 3)
    before = [frame.pixels for frame in open_video(phone).frames()]
    picked = range(0, COUNT, COUNT // 4)
    pairs = [one for number in picked for one in (before[number], np.ascontiguousarray(seen[number]))]
    (OUTPUT / f"{name}.png").write_bytes(contact_sheet(pairs, None))
