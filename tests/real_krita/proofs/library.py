"""A style that is put into the library shows up in the open docker by itself, and goes with its file."""

import json
import os
from pathlib import Path

from impasto_proofs import prover

MODELS = Path(os.environ["XDG_DATA_HOME"]) / "impasto" / "models"


def steps():
    one = yield from prover.open_docker()
    gallery = one.panel.gallery
    yield from prover.click_style("udnie")
    MODELS.mkdir(parents=True, exist_ok=True)
    weights, card = MODELS / "mine.safetensors", MODELS / "mine.json"
    try:
        weights.write_bytes(b"nobody paints with it here")
        style = {"name": "kept-by-me", "title": "Kept by me"}
        card.write_text(json.dumps({"kind": "style-bank", "body": "mine", "has_body": False, "styles": [style]}))
        yield from prover.wait_for(lambda: gallery.title("kept-by-me") == "Kept by me", "the new style is there", 20)
        assert gallery.current == "udnie", "the chosen one stays chosen"
        assert not gallery._item("kept-by-me").icon().isNull(), "a style without a thumbnail has a picture all the same"
        yield from prover.shot("new-style", one.panel)
        card.unlink()
        yield from prover.wait_for(lambda: "kept-by-me" not in gallery.names(), "it is gone", 20)
    finally:
        card.unlink(missing_ok=True)
        weights.unlink(missing_ok=True)
