#!/bin/sh
# Belief: cv2.remap with a row of places (two arrays of one dimension) gives what it gave before the new main version.
# Seen with opencv-python-headless 4.12.0.88 and 5.0.0.93: the same call gives (N, 1) in 4 and (1, N) in 5, where arrays of
# one dimension have become matrices of one row. What goes on with [:, 0] gets one value in place of N, without a word.
# Places as a column of two dimensions, (N, 1), give (N, 1) in both.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check uv
for opencv in 4.12.0.88 5.0.0.93; do
  "$folder/env/bin/uv" pip install --quiet --python "$folder/env" "opencv-python-headless==$opencv" numpy==2.2.6
  "$folder/env/bin/python" - "$opencv" <<'PYTHON'
import sys

import cv2
import numpy as np

picture = np.arange(48, dtype=np.float32).reshape(6, 8)
across, down = np.array([1, 2, 3, 4, 5], np.float32), np.array([0, 1, 2, 3, 4], np.float32)
of_rows = cv2.remap(picture, across, down, cv2.INTER_LINEAR)
of_columns = cv2.remap(picture, across[:, None], down[:, None], cv2.INTER_LINEAR)
print(f"OpenCV {cv2.__version__}: {of_rows.shape} of rows, {of_columns.shape} of columns")
assert of_columns.shape == (5, 1)
assert of_rows.shape == ((5, 1) if sys.argv[1].startswith("4") else (1, 5))
assert of_rows.ravel().tolist() == of_columns.ravel().tolist() == [1, 10, 19, 28, 37]
PYTHON
done
echo "as it was"
