"""Every depth and colour model: what is placed is what the server gives for what Krita shows."""

import struct

from impasto_proofs import prover
from impasto_proofs.prover import LINEAR, SRGB, layers, pixels

SIZE = 96
BOUNDS = (0, 0, SIZE, SIZE)
#: Model, depth, profile, and the wire's words for it where the pixels go as they are.
SPACES = [
    ("RGBA", "U16", SRGB, ("BGRA", "u16", "srgb")),
    ("RGBA", "F16", LINEAR, ("RGBA", "f16", "linear")),
    ("RGBA", "F32", LINEAR, ("RGBA", "f32", "linear")),
    ("RGBA", "F32", SRGB, ("RGBA", "f32", "srgb")),
    ("RGBA", "U8", "ClayRGB-elle-V2-g22.icc", None),
    ("GRAYA", "U8", "", None),
    ("GRAYA", "U16", "", None),
    ("CMYKA", "U8", "", None),
    ("LABA", "U16", "", None),
]


def as_srgb(layer, depth="U8"):
    copy = layer.duplicate()
    assert copy.setColorSpace("RGBA", depth, SRGB)
    return pixels(copy, BOUNDS)


def steps():
    yield from prover.open_docker()
    for model, depth, profile, words in SPACES:
        document = yield from prover.open_part("depth", 180, 60, SIZE, (model, depth, profile))
        source = layers(document)[0]
        before = pixels(source, BOUNDS)
        described = words or ("BGRA", "u16", "srgb")
        sent = before if words else as_srgb(source, "U16")
        wanted = yield from prover.reference(
            {"pixels": (prover.description(SIZE, SIZE, *described), sent)}, {"styles": [["udnie", 1.0]]}
        )
        yield 600
        yield from prover.click_style("udnie")
        yield from prover.painted(2)
        result = layers(document)[1]
        assert (result.colorModel(), result.colorDepth()) == (model, depth)
        assert result.colorProfile() == document.colorProfile(), "in the document's own colours"
        assert pixels(source, BOUNDS) == before, "the source is untouched"
        if words:
            assert pixels(result, BOUNDS) == wanted["pixels"][1], (model, depth, profile)
            prover.say(f"{model} {depth} {document.colorProfile()}: bit for bit")
        else:
            got = struct.unpack(f"<{SIZE * SIZE * 4}H", as_srgb(result, "U16"))
            expected = struct.unpack(f"<{SIZE * SIZE * 4}H", wanted["pixels"][1])
            if model == "GRAYA":  # the painting has lost its colours, its light is what counts
                got, expected = ([0.114 * v[i] + 0.587 * v[i + 1] + 0.299 * v[i + 2] for i in range(0, len(v), 4)]
                                 for v in (got, expected))  # fmt: skip
            off = sorted(abs(a - b) / 257 for a, b in zip(got, expected, strict=True))
            middle, most = off[len(off) // 2], off[int(len(off) * 0.95)]
            prover.say(
                f"{model} {depth} {document.colorProfile()}: off by {middle:.1f} of 255, at most {most:.1f} in 95 %"
            )
            assert middle <= (4 if model == "CMYKA" else 2), "the colours are right, but for what ink cannot show"
        document.setModified(False)
        document.close()
        yield 300
