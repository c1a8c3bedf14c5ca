"""Impasto where a process lives for one request, or for those of one worker: an event in, an answer out.

The event and the answer are those of AWS Lambda's function URLs, which others have taken over. By hand:

    python one_shot.py udnie < photo.jpg > painting.png
"""

from __future__ import annotations

import base64
import sys
from functools import cache
from typing import Any

from impasto.compute.accelerator import pick_device
from impasto.imaging import files
from impasto.pipeline import Pipeline
from impasto.progress import nobody
from impasto.zoo.library import Library
from impasto_link.errors import ImpastoError
from impasto_link.options import StylizeOptions


@cache
def pipeline() -> Pipeline:
    """Networks are loaded by the first request that needs them, and stay for the next one, if there is any."""
    return Pipeline(Library(), pick_device("auto"))


def paint(photo: bytes, style: str) -> bytes:
    """A photo as a file, painted, as a PNG."""
    region, info = files.decode(photo, "The photo")
    layer = pipeline().stylize(region, StylizeOptions.of(style, flatten=True), nobody)
    return files.encode(".png", layer.pixels, info)


def handler(event: dict[str, Any], context: object = None) -> dict[str, Any]:
    """What a platform calls: the photo is the body, the style a parameter of the address."""
    style = (event.get("queryStringParameters") or {}).get("style", "starry-night")
    try:
        painting = paint(base64.b64decode(event["body"]), style)
    except ImpastoError as error:
        return {"statusCode": 422, "headers": {"Content-Type": "text/plain"}, "body": f"{error.message} {error.hint}"}
    body = base64.b64encode(painting).decode()
    return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": body, "isBase64Encoded": True}


if __name__ == "__main__":
    try:
        sys.stdout.buffer.write(paint(sys.stdin.buffer.read(), sys.argv[1]))
    except ImpastoError as error:
        sys.exit(f"{error.message} {error.hint}")
