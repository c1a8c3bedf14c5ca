#!/bin/sh
# FFmpeg 8.1.2, swscale 9.5.102, as PyAV 18.1.0 brings it: RGB to YUV of the full range (yuvj420p, "pc").
# Belief: with SWS_ACCURATE_RND and SWS_FULL_CHR_H_INT flat colours become YUV to the nearest value, in either range.
# Seen: into the limited range they do. Into the full range chroma is rounded down: 300 colours by chance are off by -0.5
#       on the mean and by up to 1, so that red and blue come back 0.8 levels darker, up to 2. Grays, with which one
#       looks first, come back exactly, and back from the full range to RGB is right.
# No report of it was found. What helps: write the limited range, or convert by hand.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

FLAGS = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
BT709, LIMITED, FULL = 1, 1, 2
#: Y, Cb and Cr of RGB (ITU-R BT.709, 3.2 and 3.3).
MATRIX = np.array([[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]])
SCALE = {LIMITED: ([219, 224, 224], [16, 128, 128]), FULL: ([255, 255, 255], [0, 128, 128])}

print("PyAV", av.__version__, "FFmpeg", av.ffmpeg_version_info, "swscale", av.library_versions["libswscale"])
colors = np.random.default_rng(0).integers(0, 256, (300, 3))
converter = VideoReformatter()
bias = {}
for name, of in (("limited", LIMITED), ("full", FULL)):
    apart, back = [], []
    for color in colors:
        frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), color, np.uint8), format="rgb24")
        frame.colorspace, frame.color_range = BT709, of
        yuv = converter.reformat(frame, format="yuv420p", interpolation=FLAGS)
        seen = [bytes(plane)[8 * plane.line_size + 8] for plane in yuv.planes]
        scale, offset = SCALE[of]
        apart.append(np.array(seen) - (MATRIX @ (color / 255) * scale + offset))
        back.append(converter.reformat(yuv, format="rgb24", interpolation=FLAGS).to_ndarray()[16, 16] - color)
    bias[of] = np.mean(apart, 0)
    print(f"{name}: Y, Cb, Cr are off by", bias[of].round(2), "on the mean; R, G, B come back off by", end=" ")
    print(np.mean(np.array(back, int), 0).round(2), "on the mean, at most", np.abs(np.array(back, int)).max(0))
as_seen = np.abs(bias[LIMITED]).max() < 0.1 and np.abs(bias[FULL][1:] + 0.5).max() < 0.1 and abs(bias[FULL][0]) < 0.1
sys.exit(0 if as_seen else "It has changed.")
PYTHON
