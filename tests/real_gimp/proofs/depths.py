# MODE=headless
"""All kinds of pixels, in a group, at an offset, under a soft selection: the layer is what a direct request gives."""

import struct

import gimp_prover as p
from gimp_prover import BASE, KIND, PRECISION, Gimp

CASES = [
    # precision, wire: dtype, encoding; babl's name of what is sent
    (BASE.RGB, KIND.RGBA_IMAGE, "U8_NON_LINEAR", "u8", "srgb", "R'G'B'A u8"),
    (BASE.RGB, KIND.RGB_IMAGE, "U8_NON_LINEAR", "u8", "srgb", "R'G'B' u8"),
    (BASE.RGB, KIND.RGBA_IMAGE, "U8_LINEAR", "u8", "linear", "RGBA u8"),
    (BASE.RGB, KIND.RGBA_IMAGE, "U8_PERCEPTUAL", "u8", "srgb", "R~G~B~A u8"),
    (BASE.RGB, KIND.RGBA_IMAGE, "U16_NON_LINEAR", "u16", "srgb", "R'G'B'A u16"),
    (BASE.RGB, KIND.RGB_IMAGE, "U16_LINEAR", "u16", "linear", "RGB u16"),
    (BASE.RGB, KIND.RGBA_IMAGE, "U32_NON_LINEAR", "f32", "srgb", "R'G'B'A float"),
    (BASE.RGB, KIND.RGBA_IMAGE, "HALF_LINEAR", "f16", "linear", "RGBA half"),
    (BASE.RGB, KIND.RGBA_IMAGE, "FLOAT_LINEAR", "f32", "linear", "RGBA float"),
    (BASE.RGB, KIND.RGB_IMAGE, "FLOAT_NON_LINEAR", "f32", "srgb", "R'G'B' float"),
    (BASE.RGB, KIND.RGBA_IMAGE, "DOUBLE_LINEAR", "f32", "linear", "RGBA float"),
    (BASE.GRAY, KIND.GRAY_IMAGE, "U8_NON_LINEAR", "u8", "srgb", "Y' u8"),
    (BASE.GRAY, KIND.GRAYA_IMAGE, "U16_LINEAR", "u16", "linear", "YA u16"),
    (BASE.GRAY, KIND.GRAYA_IMAGE, "FLOAT_LINEAR", "f32", "linear", "YA float"),
]
CHANNELS = {"RGBA": "RGBA", "RGB": "RGB", "Y": "GRAY", "YA": "GRAYA"}


#: Profiles of gray, and precisions: the curve of the profile, that of sRGB, and none.
GRAY_CASES = [
    ("new_d50_gray_lab_trc", "U8_NON_LINEAR"),
    ("new_d50_gray_lab_trc", "U16_NON_LINEAR"),
    ("new_d50_gray_lab_trc", "FLOAT_PERCEPTUAL"),
    ("new_d50_gray_lab_trc", "U16_LINEAR"),
    ("new_d65_gray_linear", "U8_NON_LINEAR"),
    ("new_d65_gray_srgb_trc", "U8_NON_LINEAR"),
    ("new_d65_gray_srgb_trc", "FLOAT_LINEAR"),
    (None, "U8_NON_LINEAR"),
]


def kind_of_pixels(base, kind, precision, dtype, encoding, sent):
    image, layer = p.new_image(160, 120, base, kind, getattr(PRECISION, precision))
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    layer.set_offsets(20, -10)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 40, 0, 90, 70)
    Gimp.Selection.feather(image, 12)
    _, x, y, width, height = layer.mask_intersect()
    before, selected = p.get(layer), image.get_selected_layers()
    wanted = p.reference(
        {
            "pixels": (
                p.description(
                    width, height, CHANNELS[sent.split()[0].replace("'", "").replace("~", "")], dtype, encoding
                ),
                p.get(layer, (x, y, width, height), sent),
            ),
            "selection": (
                p.description(width, height, "GRAY", "u8", "linear"),
                p.get(image.get_selection(), (20 + x, y - 10, width, height), "Y u8"),
            ),
        },
        {"styles": [["great-wave", 1.0]]},
    )
    painting = p.paint(image, layer, style="great-wave")
    assert p.format_name(painting).split()[1] == p.format_name(layer).split()[1], "the precision is the image's"
    assert painting.has_alpha()
    # Written and read again in the sent format; only what is stored with fewer or other numbers may differ a little.
    got, right = p.get(painting, None, sent), wanted["pixels"][1]
    assert got == right, (
        f"{precision}: {sum(a != b for a, b in zip(got, right, strict=True))} of {len(right)} bytes differ"
    )
    assert p.get(painting.get_mask(), None, "Y u8") == wanted["mask"][1], "the mask is the server's"
    edge = p.get(painting.get_mask(), (0, height // 2, 12, 1), "Y u8")
    assert list(edge) == sorted(edge), list(edge)
    assert len(set(edge) - {0, 255}) > 0, "soft selections stay soft"
    assert painting.get_parent() == group
    assert image.get_item_position(painting) == 0
    assert image.get_item_position(layer) == 1
    assert p.offsets(painting) == (20 + x, y - 10)
    assert not painting.get_edit_mask()
    assert image.get_selected_layers() == selected, "the painting is not what the next strokes are for"
    assert p.get(layer) == before, "the source is untouched"
    image.delete()


def profiles():
    """Green of AdobeRGB is not in sRGB: had it been converted on the way, strength 0 would not give it back."""
    adobe = Gimp.ColorProfile.new_rgb_adobe()
    for precision in ("U8_NON_LINEAR", "U16_LINEAR", "DOUBLE_LINEAR", "FLOAT_PERCEPTUAL"):
        image, layer = p.new_image(96, 64, precision=getattr(PRECISION, precision), profile=adobe)
        green = p.format_name(layer)
        name = green.replace("double", "float")
        data = {"u8": b"\x00\xff\x00\xff", "u16": b"\x00\x00\xff\xff\x00\x00\xff\xff"}.get(
            green.split()[1].split("-")[0]
        )
        if data is None:
            data = struct.pack("<4f", 0.0, 1.0, 0.0, 1.0)
        p.put(layer, data * (96 * 64), name)
        painting = p.paint(image, layer, style="udnie", strength=0.0)
        got = p.get(painting, (10, 10, 1, 1), "R'G'B'A float")
        right = p.get(layer, (10, 10, 1, 1), "R'G'B'A float")
        values, wanted = struct.unpack("<4f", got), struct.unpack("<4f", right)
        assert wanted[0] < -0.1, "the pixel is outside of sRGB"
        assert all(abs(a - b) < 0.02 for a, b in zip(values, wanted, strict=True)), (precision, values, wanted)
        # And the colours mean the same: the same picture in sRGB and in AdobeRGB gives nearly the same painting.
        p.paint_photo(layer)
        painting = p.paint(image, layer, style="udnie")
        plain, source = p.new_image(96, 64)
        other = p.paint(plain, source, style="udnie")
        one, two = p.get(painting, None, "R'G'B'A u8"), p.get(other, None, "R'G'B'A u8")
        mean = sum(abs(a - b) for a, b in zip(one, two, strict=True)) / len(one)
        assert mean < 3.0, (precision, mean)
        p.say(f"AdobeRGB {precision}: {mean:.2f} of 255 apart from the same in sRGB")
        image.delete()
        plain.delete()


def gray_profile():
    """A profile as cameras and scanners give it: gamma 2.6 in a table of ten numbers, from a file."""
    curve = [round(65535 * (i / 9) ** 2.6) for i in range(10)]
    parts = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"gray\0" + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"kTRC": b"curv" + bytes(4) + struct.pack(">I10H", 10, *curve),
    }
    table, body, start = struct.pack(">I", len(parts)), b"", 128 + 4 + 12 * len(parts)
    for name, data in parts.items():
        table += name + struct.pack(">2I", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12s4s28x3i48x",
        start + len(body),
        0x02400000,
        b"mntr",
        b"GRAY",
        b"XYZ ",
        bytes(12),
        b"acsp",
        63190,
        65536,
        54061,
    )
    return Gimp.ColorProfile.new_from_icc_profile(head + table + body)


def gray_profiles():
    """The same gray picture under each profile gives the same painting; what is not painted comes back as it was."""
    made = {maker: getattr(Gimp.ColorProfile, maker)() for maker, _ in GRAY_CASES if maker}
    made[None] = gray_profile()
    plain, source = p.new_image(96, 64, BASE.GRAY, KIND.GRAYA_IMAGE, PRECISION.FLOAT_NON_LINEAR)
    for maker, precision in GRAY_CASES:
        image, layer = p.new_image(96, 64, BASE.GRAY, KIND.GRAYA_IMAGE, getattr(PRECISION, precision), made[maker])
        assert image.get_effective_color_profile().is_gray()
        same = p.paint(image, layer, style="udnie", strength=0.0)
        assert p.get(same) == p.get(layer), f"{maker} {precision}: strength 0 gives back the layer"
        p.put(source, p.get(layer, None, "Y'A float"), "Y'A float")
        wanted = p.get(p.paint(plain, source, style="udnie"), None, "Y' float")
        got = p.get(p.paint(image, layer, style="udnie"), None, "Y' float")
        apart = [abs(a - b) for a, b in zip(floats(got), floats(wanted), strict=True)]
        mean = 255 * sum(apart) / len(apart)
        assert mean < 3.0, (maker, precision, mean)
        p.say(f"{maker or 'a table of gamma 2.6'} {precision}: {mean:.2f} of 255 apart from the same in sRGB gray")
        image.delete()
    plain.delete()


def floats(data):
    return struct.unpack(f"<{len(data) // 4}f", data)


def steps():
    for case in CASES:
        kind_of_pixels(*case)
        p.say(f"{case[1].value_nick} {case[2]} went as {case[5]}")
    profiles()
    gray_profiles()


p.run(steps)
