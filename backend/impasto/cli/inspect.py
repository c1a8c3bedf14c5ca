"""Draw what a network sees in a picture.

That is Gram matrices and feature maps, and how near photo and painting are to it.

impasto inspect painting.jpg -o sheet.png --photo photo.jpg --result painted.png
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from impasto.batch.outputs import Outputs
from impasto.batch.places import LocalPlace
from impasto.cli.plans import add_existing_option
from impasto_link.errors import BadRequest, ImpastoError
from impasto_link.options import REFINE

#: Pictures are looked at with their longer side at so many pixels.
SIDE = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("picture", type=Path, metavar="PICTURE", help="the picture whose style is drawn")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="SHEET", help="the figure: png, pdf or svg")
    parser.add_argument("--photo", type=Path, help="a photo to compare with it")
    parser.add_argument("--result", type=Path, help="what was painted of the photo")
    parser.add_argument("--features", choices=REFINE["features"].values, default="auto", help="the network that looks")
    add_existing_option(parser)


def run(options: argparse.Namespace) -> int:
    import torch

    try:
        import matplotlib as mpl
    except ImportError:
        raise ImpastoError("The figures need matplotlib.", "Install it with: pip install 'impasto[inspect]'") from None
    from impasto.engines.pictures import as_style
    from impasto.imaging import files
    from impasto.imaging.resample import resize
    from impasto.inspection import draw_sheet
    from impasto.zoo.features import FeatureSource, fetch_vgg, find_vgg
    from impasto.zoo.library import Library

    mpl.use("agg")
    if options.output.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise BadRequest(
            f"A figure cannot be written as {options.output.suffix or 'a file without suffix'}.",
            "Known are .png, .pdf and .svg.",
        )
    if options.result and not options.photo:
        raise BadRequest("A painting is compared with the photo that it was.", "Name the photo, too, with --photo.")
    read = [path for path in (options.picture, options.photo, options.result) if path]
    outputs = Outputs(options.existing, map(LocalPlace, read))
    if not outputs.missing([LocalPlace(options.output)]):
        print(f"{options.output} is there already and stays as it is.")
        return 0

    def look(path: Path) -> torch.Tensor:
        picture = as_style(files.read(path)[0], path.name).picture
        height, width = picture.shape[-2:]
        factor = SIDE / max(height, width)
        # Of a very long picture the short side is kept large enough for the deepest layer.
        return resize(picture, max(64, round(height * factor)), max(64, round(width * factor)))

    choice = options.features
    if choice == "auto" and find_vgg() is None:
        # A download in the background would end with this command.
        choice = "compact"
        print("VGG-19 is not there, so the compact encoder looks. To download it: --features vgg19", file=sys.stderr)
    elif choice == "vgg19" and find_vgg() is None:
        print("Downloading VGG-19, 548 MB ...", file=sys.stderr)
        fetch_vgg()
    source = FeatureSource(Library(), torch.device("cpu"), torch.float32)
    net, _ = source.get(choice)
    named = {"photo": options.photo, "painting": options.result}
    others = {name: look(path) for name, path in named.items() if path}
    if options.result:
        others["painting"] = resize(others["painting"], *others["photo"].shape[-2:])
    network = "VGG-19" if "vgg19" in source.loaded() else "the compact encoder"
    figure = draw_sheet(
        net,
        look(options.picture),
        f"{files.as_text(options.picture.name)}, seen by {network}",
        others,
        "photo" if others else "",
    )
    data = io.BytesIO()
    figure.savefig(data, dpi=110, format=options.output.suffix[1:].lower())
    outputs.put(LocalPlace(options.output), data.getvalue())
    print(f"Wrote {options.output}")
    return 0
