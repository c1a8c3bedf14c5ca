"""How good the masks of our network are, how fast they come, and how large it is.

    python benchmarks/masks.py --subjects DIR [--model FILE] [--side 320] [--card]
    python benchmarks/masks.py --subjects DIR --mask-model u2net      another network, of impasto[rembg]

DIR holds pictures NAME.jpg and masks NAME.png; a set is the file name up to the first underscore. Prints a Markdown
table of the mean scores of each set: the network alone, and with its edges made to follow the picture, as the product
does.
``--card`` writes the scores into the model's card.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from impasto.compute.accelerator import fast_dtype, pick_device
from impasto.masking.edges import follow_edges
from impasto.masking.models import make_mask_model, mask_models
from impasto.masking.own import OURS
from impasto.masking.subject import WORKING_SIDE, find_mask
from impasto.training.mask_losses import mask_scores
from impasto.training.photos import load_rgb
from impasto.training.subjects import find_subjects, load_mask
from impasto.zoo.library import Library, shipped_models
from impasto.zoo.subject import FILE_NAME, load_subject_net

FORMS = ("network", "with edges")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=Path, required=True, help="folder of pictures with masks")
    parser.add_argument("--model", type=Path, default=shipped_models() / FILE_NAME)
    parser.add_argument("--side", type=int, default=WORKING_SIDE, help="the network's working size")
    parser.add_argument("--mask-model", choices=mask_models(), default=OURS, help="whose masks to measure")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--card", action="store_true", help="write the scores into the model's card")
    options = parser.parse_args()

    device = pick_device(options.device)
    dtype = fast_dtype(device)
    net = load_subject_net(options.model).to(device, dtype).to(memory_format=torch.channels_last)
    network = make_mask_model(options.mask_model, Library(), device)
    ours = options.mask_model == OURS

    def find(photo: Tensor) -> Tensor:
        return find_mask(net, photo, options.side) if ours else network.find(photo.cpu())

    scores: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for subject in find_subjects(options.subjects):
        photo = load_rgb(subject.picture)[None].float().to(device) / 255
        mask = load_mask(subject.mask)[None].float().to(device) / 255
        small = find(photo)
        plain = TF.resize(small, list(mask.shape[-2:]), antialias=True)
        for form, found in zip(FORMS, (plain, follow_edges(small, photo)), strict=True):
            score = mask_scores(found, mask)
            for group in (subject.group, "all"):
                scores[group, form].append(score)

    keys = ("iou", "dice", "mae", "boundary")
    print(f"\n{options.model.name if ours else options.mask_model}, {device}, {dtype}\n")
    print("| set | pictures | form | " + " | ".join(keys) + " |\n" + "|---" * (3 + len(keys)) + "|")
    card: dict[str, dict[str, float]] = {}
    for (group, form), found in sorted(scores.items()):
        means = {key: sum(score[key] for score in found) / len(found) for key in keys}
        print(f"| {group} | {len(found)} | {form} | " + " | ".join(f"{means[key]:.3f}" for key in keys) + " |")
        if form == FORMS[1]:
            card[group] = {key: round(value, 4) for key, value in means.items()}

    picture = torch.rand(1, 3, options.side, options.side, device=device)
    seconds = []
    for _ in range(25):
        started = time.perf_counter()
        find(picture)[0, 0, 0, 0].item()
        seconds.append(time.perf_counter() - started)
    print(
        f"\n{1000 * statistics.median(seconds):.1f} ms at {options.side} x {options.side} (median of 25, "
        f"{torch.get_num_threads()} threads, {platform.machine()})"
    )
    if ours:
        print(f"the file has {options.model.stat().st_size / 1e6:.1f} MB")
    if options.card and ours:
        path = options.model.with_suffix(".json")
        content = json.loads(path.read_text(encoding="utf-8"))
        content["quality"] = {"measured": "benchmarks/masks.py; means over pictures not learned from", "sets": card}
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
