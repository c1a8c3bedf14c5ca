#!/bin/sh
# libvips 8.18.7 (pyvips 3.2.0 with its wheel) and ICC profiles in JPEG.
# Belief: what jpegsave wrote without an error, jpegload reads back; a JPEG holds profiles of 255 segments (16.7 MB).
# Seen: jpegload gives the first 100 segments (6 551 900 bytes) of a longer profile and says nothing, though the file is
#       sound (Pillow reads all of it); beyond 255 segments jpegsave writes a file whose profile nobody reads, and says
#       nothing either. So compare the length with what the profile states before it is believed.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyvips[binary]==3.2.0" "pyvips-binary==8.18.7" "pillow==13.0.0"
"$folder/venv/bin/python" - <<'PYTHON'
import io

import pyvips
from PIL import Image, ImageCms

SEGMENT = 65519
srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
black = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb")
print("libvips", *(pyvips.version(part) for part in range(3)))


def read_back(length):
    """How much of a profile of that length libvips and Pillow read from a JPEG that libvips wrote."""
    image = black.copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", srgb + bytes(length - len(srgb)))
    data = image.jpegsave_buffer()
    with Image.open(io.BytesIO(data)) as other:
        return len(pyvips.Image.jpegload_buffer(data).get("icc-profile-data")), len(other.info.get("icc_profile") or b"")


seen = {length: read_back(length) for length in (100 * SEGMENT, 101 * SEGMENT, 255 * SEGMENT, 255 * SEGMENT + 1)}
for length, (libvips, pillow) in seen.items():
    print(f"written {length:9}: libvips reads {libvips:9}, Pillow {pillow:9}")
assert seen[100 * SEGMENT] == (100 * SEGMENT, 100 * SEGMENT)
assert seen[101 * SEGMENT] == (100 * SEGMENT, 101 * SEGMENT)
assert seen[255 * SEGMENT] == (100 * SEGMENT, 255 * SEGMENT)
assert seen[255 * SEGMENT + 1] == (100 * SEGMENT, 0)
PYTHON
