"""The shipped networks in every format, by the command itself, and large pictures.

`make test-formats` installs ExecuTorch and runs this. `make test` does not find it: it takes minutes, and a compiler.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import nn

from impasto.cli import main
from impasto.export.check import psnr, sample
from impasto.export.formats import FORMATS, format_of
from impasto.export.source import Source, of_student, of_styles, of_subject
from impasto.masking.subject import find_mask
from impasto.zoo.library import Library
from impasto.zoo.student import student_named
from impasto.zoo.subject import load_subject_net, subject_model
from impasto_link.coats import StyleChoice

#: TensorRT needs an NVIDIA card.
SUFFIXES = [form.suffix for form in FORMATS if form.suffix != ".engine"]


def decibels(path: Path, source: Source, height: int, width: int) -> float:
    inputs = {name: value.numpy() for name, value in source.inputs(sample(height, width)).items()}
    made = format_of(path).load().open_file(path)(inputs)
    return psnr(torch.from_numpy(made), source.reference(sample(height, width)))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_student_is_painted_with_in_every_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"small{suffix}"
    assert main(["export", "small", "-o", str(path)]) == 0
    assert sorted(tmp_path.iterdir()) == sorted(format_of(path).files(path))
    student = student_named(Library().folders, "small")
    assert student is not None
    assert decibels(path, of_student(student), 130, 259) > 85


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_a_style_is_right_in_large_pictures(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"night{suffix}"
    assert main(["export", "starry-night", "-o", str(path)]) == 0
    source = of_styles([StyleChoice("starry-night", 1.0)], {}, Library())
    assert decibels(path, source, 2047, 2049) > 85


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_a_style_in_8_bits(suffix: str, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for photo in ("astronaut", "chelsea", "coffee", "rocket"):
        Image.fromarray(getattr(data, photo)()).save(photos / f"{photo}.png")
    path = tmp_path / f"night{suffix}"
    assert main(["export", "starry-night", "-o", str(path), "--int8", str(photos)]) == 0
    source = of_styles([StyleChoice("starry-night", 1.0)], {}, Library())
    assert decibels(path, source, 333, 222) > 46
    assert sum(part.stat().st_size for part in format_of(path).files(path)) < 3e6


def test_the_subject_is_found_as_impasto_finds_it(tmp_path: Path, astronaut: np.ndarray) -> None:
    path = tmp_path / "subject.onnx"
    assert main(["export", "subject", "-o", str(path)]) == 0
    photo = torch.from_numpy(astronaut).permute(2, 0, 1)[None] / 255
    small = nn.functional.interpolate(photo, (320, 320), mode="bicubic", antialias=True).clamp(0, 1)
    mask = torch.from_numpy(format_of(path).load().open_file(path)({"image": small.numpy()}))
    ours = find_mask(load_subject_net(subject_model()), small)
    # Impasto's own has its specks taken away.
    assert float((mask - ours).abs().mean()) < 0.01
    assert float(mask[0, 0, 200, 160]) > 0.9 > 0.1 > float(mask[0, 0, 10, 10])
    assert decibels(path, of_subject(), 333, 222) > 85
