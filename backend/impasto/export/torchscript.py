"""TorchScript, as long as PyTorch has it."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch

from impasto.export.formats import Runner
from impasto.export.program import in_order, sample
from impasto.export.source import Source


def write(source: Source, path: Path) -> None:
    """See `impasto.export.formats.Writer`. What it tells of itself is in its ``_extra_files``."""
    written = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        # That it is deprecated the command says in its own words; and that sizes could be taken for constants is what
        # the check at other sizes is for.
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(source.net, sample(source)), written, _extra_files=source.told())
    path.write_bytes(written.getvalue())


def open_file(path: Path) -> Runner:
    """See `impasto.export.formats.Writer`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return in_order(torch.jit.load(path))
