"""Impasto behind LitServe: a process for each device, which loads the networks once.

pip install litserve
python litserve_app.py
curl -F image=@photo.jpg -F style=udnie http://127.0.0.1:8000/predict -o painting.png
"""

# No `from __future__ import annotations`: LitServe looks at them, and would not know Request by its name.
import os
from typing import NamedTuple

import litserve
import torch
from fastapi import HTTPException, Request, Response

from impasto.imaging import files
from impasto.imaging.metadata import FileInfo
from impasto.pipeline import Pipeline
from impasto.progress import nobody
from impasto.zoo.library import Library
from impasto_link.errors import ImpastoError
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region


class Picture(NamedTuple):
    """What is to be painted, and how."""

    region: Region
    info: FileInfo
    options: StylizeOptions


class Painter(litserve.LitAPI):
    """Decodes, paints and encodes, each in a step of its own."""

    def setup(self, device: str) -> None:
        """Load, once in each process."""
        self._pipeline = Pipeline(Library(), torch.device(device))

    def decode_request(self, request: Request) -> Picture:
        """A form with the file ``image``, and a style."""
        try:
            region, info = files.decode(request["image"].file.read(), "The photo")
            return Picture(region, info, StylizeOptions.of(request["style"], flatten=True))
        except ImpastoError as error:
            raise _problem(error) from error

    def predict(self, picture: Picture) -> tuple[Region, FileInfo]:
        """Paint."""
        try:
            return self._pipeline.stylize(picture.region, picture.options, nobody).pixels, picture.info
        except ImpastoError as error:
            raise _problem(error) from error

    def encode_response(self, painted: tuple[Region, FileInfo]) -> Response:
        """A PNG."""
        return Response(files.encode(".png", *painted), media_type="image/png")


def _problem(error: ImpastoError) -> HTTPException:
    return HTTPException(422, f"{error.message} {error.hint}")


if __name__ == "__main__":
    server = litserve.LitServer(Painter(), accelerator=os.environ.get("ACCELERATOR", "auto"))
    server.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), generate_client_file=False)
