#!/bin/sh
# Belief: bicubic interpolation is at least as exact as bilinear; what rises evenly goes on to do so.
# Seen with torch 2.15.0, opencv-python-headless 4.12.0.88 and 5.0.0.93, pillow 13.0.0: the kernels of PyTorch and OpenCV
# (a = -0.75) give a straight ramp back with errors of up to 0.041 of its step from pixel to pixel, at fourths of a pixel:
# a shift by as many pixels, now to the left and now to the right. PyTorch's own with antialias=True and Pillow's (a = -0.5;
# Keys 1981, https://doi.org/10.1109/TASSP.1981.1163711, shows that only this one keeps a ramp) give it back. So who moves
# a picture often, such as the last frame of a film, is better served by a = -0.5, or by Lanczos' kernel of eight.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check uv
for opencv in 4.12.0.88 5.0.0.93; do
  "$folder/env/bin/uv" pip install --quiet --python "$folder/env" torch==2.15.0 "opencv-python-headless==$opencv" pillow==13.0.0 numpy==2.2.6
  "$folder/env/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

# A ramp that rises by 1 from pixel to pixel, made four times as wide. The middle is looked at, without the borders.
ramp = np.tile(np.arange(64, dtype=np.float32), (16, 1))
wanted = (np.arange(256) + 0.5) / 4 - 0.5
tensor = torch.from_numpy(ramp)[None, None]
size = (16, 256)
made = {
    "torch, bicubic": F.interpolate(tensor, size, mode="bicubic", align_corners=False)[0, 0].numpy(),
    "torch, bicubic, antialias": F.interpolate(tensor, size, mode="bicubic", align_corners=False, antialias=True)[0, 0].numpy(),
    "torch, bilinear": F.interpolate(tensor, size, mode="bilinear", align_corners=False)[0, 0].numpy(),
    "OpenCV, INTER_CUBIC": cv2.resize(ramp, size[::-1], interpolation=cv2.INTER_CUBIC),
    "OpenCV, INTER_LANCZOS4": cv2.resize(ramp, size[::-1], interpolation=cv2.INTER_LANCZOS4),
    "Pillow, BICUBIC": np.asarray(Image.fromarray(ramp).resize(size[::-1], Image.Resampling.BICUBIC)),
}
print(f"torch {torch.__version__}, OpenCV {cv2.__version__}")
errors = {}
for name, picture in made.items():
    errors[name] = float(np.abs(picture[8, 32:-32] - wanted[32:-32]).max())
    print(f"{name:28} off by up to {errors[name]:.4f} pixels")
assert 0.04 < errors["torch, bicubic"] < 0.05
assert 0.04 < errors["OpenCV, INTER_CUBIC"] < 0.05
for exact in ("torch, bicubic, antialias", "torch, bilinear", "Pillow, BICUBIC"):
    assert errors[exact] < 1e-3, exact
assert errors["OpenCV, INTER_LANCZOS4"] < 0.02
PYTHON
done
echo "as it was"
