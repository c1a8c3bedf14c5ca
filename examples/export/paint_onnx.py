"""Paint with a file that `impasto export` wrote, without Impasto: onnxruntime, numpy and pillow are enough.

impasto export classic -o classic.onnx
python paint_onnx.py classic.onnx photo.jpg painting.png starry-night=0.7 udnie=0.3
"""

import base64
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main() -> None:
    model, photo, painting, *wanted = sys.argv[1:]
    session = onnxruntime.InferenceSession(model)

    # Upright, (1, 3, height, width), float32 from 0 to 1; any height and width of at least 8.
    picture = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
    image = np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / 255
    inputs = {"image": image}

    if any(entry.name == "code" for entry in session.get_inputs()):
        # A bank: every style is a code, and a mixture is their mean by weight.
        styles = json.loads(session.get_modelmeta().custom_metadata_map["impasto.styles"])
        codes = {one["name"]: np.frombuffer(base64.b64decode(one["code"]), "<f2") for one in styles}
        weights = {name: float(weight or 1) for name, _, weight in (one.partition("=") for one in wanted)}
        chosen = np.stack([codes[name] for name in weights]).astype(np.float32)
        inputs["code"] = np.average(chosen, axis=0, weights=list(weights.values()))[None].astype(np.float32)

    (result,) = session.run(None, inputs)
    Image.fromarray((result[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)).save(painting)


main()
