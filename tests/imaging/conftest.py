"""Colour profiles to test with, built by bytes or taken from libvips."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import pyvips
import torch


@pytest.fixture(autouse=True, scope="session")
def few_threads() -> None:
    torch.set_num_threads(2)


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*values)


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def table(samples: np.ndarray) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">I", len(samples)) + np.round(samples * 65535).astype(">u2").tobytes()


def parametric(function: int, *values: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", function, 0) + fixed(*values)


def profile(tags: dict[bytes, bytes], space: bytes = b"RGB ", kind: bytes = b"mntr", pcs: bytes = b"XYZ ") -> bytes:
    """A version 4 profile of the given tags."""
    tags = {
        b"desc": b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 2, 28) + "x".encode("utf-16-be"),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        **tags,
    }
    directory, body = b"", b""
    start = 132 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        directory += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x04300000, kind, space, pcs)
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + directory + body


ADOBE_RGB = {
    b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
    b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
    b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
}
SRGB = {
    b"rXYZ": xyz(0.43607, 0.22249, 0.01392),
    b"gXYZ": xyz(0.38515, 0.71687, 0.09708),
    b"bXYZ": xyz(0.14307, 0.06061, 0.71410),
}


def curves(curve: bytes) -> dict[bytes, bytes]:
    return {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}


@pytest.fixture(scope="session")
def profiles() -> dict[str, bytes]:
    """RGB profiles by name; ``table`` is one of lookup tables."""
    x = np.linspace(0, 1, 1024)
    return {
        "adobe": profile(ADOBE_RGB | curves(gamma(2.19921875))),
        "adobe-linear": profile(ADOBE_RGB | curves(gamma(1.0))),
        "adobe-table": profile(ADOBE_RGB | curves(table(x**1.8))),
        "adobe-three-curves": profile(
            ADOBE_RGB | {b"rTRC": gamma(1.8), b"gTRC": table(x**2.0), b"bTRC": parametric(0, 2.2)}
        ),
        "srgb-parametric": profile(SRGB | curves(parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))),
        "srgb-table": profile(SRGB | curves(table(np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)))),
        "srgb-linear": profile(SRGB | curves(b"curv\0\0\0\0\0\0\0\0")),
        "p3": bytes(pyvips.Operation.call("profile_load", "p3")),
        "vips-srgb": bytes(pyvips.Operation.call("profile_load", "srgb")),
        "table": profile({b"A2B0": to_lab_tables(), b"B2A0": from_lab_tables()}, pcs=b"Lab "),
    }


@pytest.fixture(scope="session")
def gray_profiles() -> dict[str, bytes]:
    return {
        "gamma": profile({b"kTRC": gamma(1.8)}, space=b"GRAY"),
        "linear": profile({b"kTRC": gamma(1.0)}, space=b"GRAY"),
    }


@pytest.fixture(scope="session")
def cmyk_profile() -> bytes:
    return bytes(pyvips.Operation.call("profile_load", "cmyk"))


# A toy printer, gray on its diagonal and of few colours: L is the mean of the channels, a and b their differences.
#     L = 100 (r + g + b) / 3      a = 60 (r - g)      b = 60 (g - b)


def lut16(matrix_in: int, matrix_out: int, clut: np.ndarray) -> bytes:
    """A tag of lut16Type (ICC.1:2022, 10.10) with straight curves; 2 bytes an entry."""
    points = clut.shape[0]
    head = b"mft2\0\0\0\0" + bytes([matrix_in, matrix_out, points, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    straight = struct.pack(">HH", 0, 65535)
    values = np.round(clut * 65535).clip(0, 65535).astype(">u2").tobytes()
    return head + struct.pack(">HH", 2, 2) + straight * matrix_in + values + straight * matrix_out


def to_lab_tables() -> bytes:
    r, g, b = np.meshgrid(*[np.linspace(0, 1, 9)] * 3, indexing="ij")
    lightness, a_star, b_star = 100 * (r + g + b) / 3, 60 * (r - g), 60 * (g - b)
    # The legacy encoding of lut16Type: 0xFF00 is 100, 0x8000 is 0.
    entries = [lightness / 100 * 0xFF00, 0x8000 + 256 * a_star, 0x8000 + 256 * b_star]
    return lut16(3, 3, np.stack(entries, axis=-1) / 65535)


def from_lab_tables() -> bytes:
    code = np.linspace(0, 65535, 33)
    lightness, a_star, b_star = np.meshgrid(
        code / 0xFF00 * 100, (code - 0x8000) / 256, (code - 0x8000) / 256, indexing="ij"
    )
    mean, rg, gb = lightness / 100, a_star / 60, b_star / 60
    g = mean - (rg - gb) / 3
    return lut16(3, 3, np.stack([g + rg, g, g - gb], axis=-1).clip(0, 1))
