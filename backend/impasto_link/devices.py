"""Words for devices, as a person says them and as a worker has them; what they are, `impasto.compute` knows."""

from __future__ import annotations

import re

#: What may be asked for; where N is given, it is the one of that number, from 0.
DEVICES = "auto, cpu, cuda[:N], rocm[:N], mps or xpu[:N]"

_WORD = re.compile(r"auto|cpu|mps|(cuda|rocm|xpu)(:[0-9]{1,3})?")
#: Kinds that PyTorch calls by another's name.
_SAME = {"rocm": "cuda"}


def is_device(word: str) -> bool:
    """Whether a word is one of `DEVICES`."""
    return _WORD.fullmatch(word) is not None


def split(word: str) -> tuple[str, int | None]:
    """PyTorch's word for the kind of a device, and its number if it has been given."""
    kind, _, number = word.partition(":")
    return _SAME.get(kind, kind), int(number) if number else None


def fits(wanted: str, device: str) -> bool:
    """Whether a device is one that was asked for.

    Args:
        wanted: one of `DEVICES`.
        device: as a worker has it: "cpu", "cuda", "cuda:1", "mps:0"; without a number it is the first.
    """
    wanted_kind, wanted_number = split(wanted)
    kind, number = split(device)
    return wanted == "auto" or (wanted_kind == kind and wanted_number in (None, number or 0))
