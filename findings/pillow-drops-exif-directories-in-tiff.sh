#!/bin/sh
# Pillow 13.0.0: Image.save(..., exif=EXIF) into TIFF.
# Belief: an Image.Exif and its own tobytes() are the same to save().
# Seen: so it is for JPEG, PNG and WebP; into TIFF the object loses its directories (date taken, exposure, GPS) without a
#       word, and the bytes keep them.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pillow==13.0.0"
"$folder/venv/bin/python" - <<'PYTHON'
import io

from PIL import Image, __version__

print("Pillow", __version__)
MAKE, DATE_TAKEN, NORTH = 0x010F, 0x9003, 1


def saved(kind, as_bytes):
    """Maker, date and latitude's side, as a file of that kind has them."""
    exif = Image.Exif()
    exif[MAKE] = "Acme"
    exif.get_ifd(0x8769)[DATE_TAKEN] = "2020:01:02 03:04:05"
    exif.get_ifd(0x8825)[NORTH] = "N"
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, kind, exif=exif.tobytes() if as_bytes else exif)
    with Image.open(data) as image:
        back = image.getexif()
        return back.get(MAKE), back.get_ifd(0x8769).get(DATE_TAKEN), back.get_ifd(0x8825).get(NORTH)


whole = ("Acme", "2020:01:02 03:04:05", "N")
seen = {(kind, as_bytes): saved(kind, as_bytes) for kind in ("JPEG", "PNG", "WEBP", "TIFF") for as_bytes in (0, 1)}
for (kind, as_bytes), found in seen.items():
    print(f"{kind:4} {'bytes ' if as_bytes else 'object'} {found}")
assert seen.pop(("TIFF", 0)) == ("Acme", None, None)
assert all(found == whole for found in seen.values())
PYTHON
