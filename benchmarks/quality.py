"""Quality of the shipped styles on photos that training did not see, beside Gatys' optimisation of the same loss.

    python benchmarks/quality.py --paintings DIR [--photos DIR] [--vgg FILE]

Prints a Markdown table: for each style the normalised style and content distances (0 is equal; see
impasto.nets.perceptual) of the untouched photo, of Impasto, and of L-BFGS after some iterations. Gatys et al. 2016 and
the comparison of Johnson et al. 2016 (section 4.1) begin at white noise (``--start noise``); to begin at the photo,
where the content distance is 0, is easier.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as TF
from tqdm import tqdm

from impasto.compute.accelerator import pick_device
from impasto.engines.base import Studio, Wanted
from impasto.engines.fixed.engine import FixedEngine
from impasto.engines.pictures import StyleReader
from impasto.nets.perceptual import (
    CONTENT_LAYERS,
    STYLE_LAYERS,
    Features,
    content_distance,
    gram,
    style_distance,
    total_variation,
)
from impasto.nets.vgg import VGG19Features
from impasto.progress import silent
from impasto.training.look_loss import views
from impasto.training.photos import find_pictures, is_held_out, load_rgb
from impasto.training.recipe import BankRecipe, StyleRecipe
from impasto.zoo.library import Library, shipped_models
from impasto.zoo.vgg import load_vgg19
from impasto_link.coats import StyleChoice
from photos import default_photos, square

#: Of the style against 1 for the content.
STYLE_WEIGHT = 5.0


@torch.no_grad()
def style_targets(recipe: BankRecipe, vgg: VGG19Features) -> dict[str, Tensor]:
    """Gram matrices of each style, (S, C, C) by layer: averaged over its paintings and over jittered views of each."""
    per_style = []
    for style in recipe.styles:
        seen = [gram_matrices(view, vgg) for path in style.paintings for view in views(load_rgb(path), style)]
        per_style.append({layer: torch.stack([view[layer] for view in seen]).mean(0) for layer in seen[0]})
    return {layer: torch.cat([grams[layer] for grams in per_style]) for layer in per_style[0]}


def gram_matrices(pictures: Tensor, vgg: VGG19Features) -> dict[str, Tensor]:
    """Gram matrices, (B, C, C) by style layer, of pictures (B, 3, H, W) in [0, 1]."""
    weight = next(vgg.parameters())
    features: Features = vgg(pictures.to(weight), vgg.names.intersection(STYLE_LAYERS))
    return {layer: gram(activations) for layer, activations in features.items()}


class Objective:
    """The loss of one photo in one style, of Gram matrices, as Gatys et al. 2016 have it."""

    def __init__(self, vgg: VGG19Features, photo: Tensor, targets: Features, style: StyleRecipe, tv: float) -> None:
        self.vgg, self.targets, self.style, self.tv = vgg, targets, style, tv
        self.dtype = next(vgg.parameters()).dtype
        with torch.no_grad():
            self.photo = vgg(photo.to(self.dtype), CONTENT_LAYERS)

    def distances(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Loss, style distance and content distance of a picture (1, 3, H, W)."""
        features = self.vgg(x.to(self.dtype), {*self.targets, *CONTENT_LAYERS})
        style = style_distance(features, self.targets).mean()
        content = content_distance(features, self.photo).mean()
        return STYLE_WEIGHT * self.style.weight * style + content + self.tv * total_variation(x).mean(), style, content


def gatys(objective: Objective, start: Tensor, iterations: list[int]) -> dict[int, Tensor]:
    """L-BFGS on the pixels; the picture after each of the numbers of iterations."""
    x = start.clone(memory_format=torch.contiguous_format).requires_grad_()
    results = {}
    done = 0
    optimizer = torch.optim.LBFGS([x], history_size=20, line_search_fn="strong_wolfe", max_eval=10**9)
    for goal in iterations:
        for group in optimizer.param_groups:
            group["max_iter"] = goal - done

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = objective.distances(x)[0]
            loss.backward()
            assert x.grad is not None
            # VGG leaves it in channels_last, and L-BFGS wants it flat.
            x.grad = x.grad.contiguous()
            return loss

        optimizer.step(closure)
        done = goal
        results[goal] = x.detach().clamp(0, 1)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True, help="folder of the paintings that the recipe names")
    parser.add_argument(
        "--photos", type=Path, help="folder of photos; its held-out ones are used (default: scikit-image's)"
    )
    parser.add_argument("--vgg", type=Path, help="VGG-19 weights (default: torchvision's)")
    parser.add_argument("--count", type=int, default=1, help="photos per style, taken in turn (default: 1)")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, nargs="*", default=[50, 100, 300])
    parser.add_argument("--start", choices=["photo", "noise"], default="photo", help="where L-BFGS begins")
    parser.add_argument("--tv-weight", type=float, default=0.1)
    parser.add_argument("--card", action="store_true", help="write the means into the card of the shipped bank")
    parser.add_argument("--save", type=Path, help="folder for the pictures")
    options = parser.parse_args()

    device = pick_device("auto")
    dtype = torch.bfloat16
    vgg = load_vgg19(options.vgg).to(device, dtype).to(memory_format=torch.channels_last)
    recipe = BankRecipe.from_toml(shipped_models() / "classic.toml", options.paintings)
    targets = style_targets(recipe, vgg)
    if options.photos:
        held_out = [path for path in find_pictures(options.photos) if is_held_out(path)]
        photos = {path.stem: square(load_rgb(path), options.size) for path in held_out}
    else:
        photos = default_photos(options.size)
    library = Library([shipped_models()])
    engine = FixedEngine(Studio(library, device, StyleReader(library, device)))

    names = list(photos)
    rows: dict[str, dict[str, list[tuple[float, float, float]]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, float] = defaultdict(float)
    for index, style in enumerate(tqdm(recipe.styles)):
        for turn in range(options.count):
            name = names[(index + turn) % len(names)]
            photo = photos[name].to(device)
            goal = {layer: grams[index : index + 1] for layer, grams in targets.items()}
            objective = Objective(vgg, photo, goal, style, options.tv_weight)
            started = time.perf_counter()
            pictures = {"photo": photo, "impasto": engine.paint(photo, Wanted([StyleChoice(style.name)]), silent())}
            seconds["impasto"] += time.perf_counter() - started
            started = time.perf_counter()
            start = photo if options.start == "photo" else torch.rand(photo.shape).to(device)
            for count, picture in gatys(objective, start, options.iterations).items():
                pictures[f"L-BFGS {count}"] = picture
            seconds["L-BFGS"] += time.perf_counter() - started
            for kind, picture in pictures.items():
                with torch.no_grad():
                    loss, style_value, content = (float(value) for value in objective.distances(picture))
                rows[style.name][kind].append((loss, style_value, content))
                if options.save:
                    options.save.mkdir(parents=True, exist_ok=True)
                    TF.to_pil_image(picture[0].float().cpu()).save(options.save / f"{style.name} {name} {kind}.png")
    report(rows, seconds, device)
    if options.card:
        write_card(shipped_models() / "classic.json", rows, options)


def write_card(
    path: Path, rows: dict[str, dict[str, list[tuple[float, float, float]]]], options: argparse.Namespace
) -> None:
    card = json.loads(path.read_text(encoding="utf-8"))
    kinds = list(next(iter(rows.values())))
    card["quality"] = {
        "measured": "benchmarks/quality.py; means over photos that training did not see; 0 is equal",
        "size": options.size,
        "photos_per_style": options.count,
        "style_distance": {kind: _mean(rows, kind, 1) for kind in kinds},
        "content_distance": {kind: _mean(rows, kind, 2) for kind in kinds},
    }
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _mean(rows: dict[str, dict[str, list[tuple[float, float, float]]]], kind: str, part: int) -> float:
    values = [value[part] for by_kind in rows.values() for value in by_kind[kind]]
    return round(sum(values) / len(values), 4)


def report(
    rows: dict[str, dict[str, list[tuple[float, float, float]]]], seconds: dict[str, float], device: torch.device
) -> None:
    kinds = list(next(iter(rows.values())))
    print(
        f"\n{platform.machine()}, {device}, torch {torch.__version__}; each cell: style distance / content distance\n"
    )
    print("| style | " + " | ".join(kinds) + " | loss, Impasto : " + " : ".join(kinds[2:]) + " |")
    print("|---" * (len(kinds) + 2) + "|")
    total: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for style, by_kind in rows.items():
        print(_row(style, by_kind))
        for kind, values in by_kind.items():
            total[kind] += values
    print(_row("**mean**", total))
    print(f"\nSeconds in all: {', '.join(f'{kind} {value:.1f}' for kind, value in seconds.items())}")


def _row(name: str, by_kind: dict[str, list[tuple[float, float, float]]]) -> str:
    means = {kind: torch.tensor(values).mean(0).tolist() for kind, values in by_kind.items()}
    cells = [f"{style:.3f} / {content:.3f}" for _, style, content in means.values()]
    losses = [f"{loss:.2f}" for kind, (loss, _, _) in means.items() if kind != "photo"]
    return f"| {name} | " + " | ".join(cells) + " | " + " : ".join(losses) + " |"


if __name__ == "__main__":
    main()
