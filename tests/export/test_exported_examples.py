"""The example in Python: a file that was exported paints without Impasto."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from impasto.export.check import psnr
from impasto.nets.style_bank import StyleBankNet

EXAMPLE = Path(__file__).parents[2] / "examples" / "export" / "paint_onnx.py"


def test_two_styles_are_mixed_without_impasto(
    bank: Path, net: StyleBankNet, codes: dict[str, torch.Tensor], tmp_path: Path, astronaut: np.ndarray
) -> None:
    photo = astronaut[:61, :50]
    Image.fromarray(photo).save(tmp_path / "photo.png")
    command = [sys.executable, str(EXAMPLE), str(bank), "photo.png", "painting.png", "waves=0.75", "night=0.25"]
    subprocess.run(command, check=True, cwd=tmp_path)
    painting = torch.from_numpy(np.array(Image.open(tmp_path / "painting.png"))).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        code = 0.75 * codes["waves"] + 0.25 * codes["night"]
        wanted = net(torch.from_numpy(photo).permute(2, 0, 1)[None] / 255, code)
    # Eight bits leave 58.9 decibels.
    assert psnr(painting, wanted) > 57
