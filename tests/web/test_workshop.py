"""Pictures that break, or hold up, who reads them."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from impasto.imaging.files import FileProblem
from impasto.web.settings import WebOptions
from impasto.web.workshop import Decoded, Upload, Workshop


def test_a_process_that_dies_or_stands_still_costs_its_own_picture(photo: bytes, tmp_path: Path) -> None:
    workshop = Workshop(WebOptions(processes=1, decode_seconds=10.0))

    async def work() -> None:
        # As a decoder would, in the middle of others.
        broken = [workshop._do(os.abort), workshop._do(_write, tmp_path / "written")]
        whole = workshop.decode({"pixels": Upload("photo.png", photo)})
        aborted, written, decoded = await asyncio.gather(*broken, whole, return_exceptions=True)
        assert isinstance(aborted, FileProblem)
        assert isinstance(written, FileProblem)
        assert isinstance(decoded, Decoded)
        assert decoded.regions["pixels"].format.width == 128
        workshop._seconds = 0.1
        with pytest.raises(FileProblem, match="took too long"):
            await workshop._do(time.sleep, 1000)

    try:
        asyncio.run(work())
    finally:
        workshop.close()


def _write(path: Path) -> None:
    """What no process of it can do."""
    path.write_bytes(b"x")
