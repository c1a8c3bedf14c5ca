#!/bin/sh
# libvips 8.18.7 (pyvips 3.2.0 with its wheel) and AVIF of 10 and 12 bits.
# Belief: heifload gives 16 bits whose white is 65535, as pngload and tiffload do; and what heifsave writes without loss
#         heifload reads back.
# Seen: numbers are shifted up and their low bits left 0: white comes back as 65472 of 10 bits and as 65520 of 12, also
#       of a file that was saved with lossless; middle gray comes back as it was. Whoever takes 65535 for white has a
#       picture without white, and alpha that is nowhere opaque. Repeating the high bits mends it: v | v >> bits.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyvips[binary]==3.2.0" "pyvips-binary==8.18.7"
"$folder/venv/bin/python" - <<'PYTHON'
import pyvips

print("libvips", *(pyvips.version(part) for part in range(3)))
seen = {}
for bits in (10, 12):
    for value in (65535, 32768):
        plain = (pyvips.Image.black(64, 64, bands=4) + value).cast("ushort").copy(interpretation="rgb16")
        data = plain.heifsave_buffer(compression="av1", bitdepth=bits, lossless=True)
        image = pyvips.Image.new_from_buffer(data, "")
        mended = (image | (image >> image.get("bits-per-sample"))).cast("ushort")
        seen[bits, value] = image.format, image.getpoint(30, 30), mended.getpoint(30, 30)
        print(f"{bits} bits, {value} written: read {seen[bits, value][1]}, mended {seen[bits, value][2]}")
assert all(format == "ushort" for format, _, _ in seen.values())
assert seen[10, 65535][1:] == ([65472.0] * 4, [65535.0] * 4)
assert seen[12, 65535][1:] == ([65520.0] * 4, [65535.0] * 4)
assert seen[10, 32768][1] == seen[12, 32768][1] == [32768.0] * 4
PYTHON
