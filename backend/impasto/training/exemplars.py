"""Examples of a bank's styles: what engines go by that need a picture, when the paintings are not at hand.

A bank knows its styles by heart but has no picture of them. So one is painted for each when it is made: a texture with
the moments of the paintings (Gatys et al. 2015, https://arxiv.org/abs/1505.07376) and nothing else of them.
"""

from __future__ import annotations

from pathlib import Path

import torch

from impasto.compute.accelerator import fast_dtype
from impasto.engines.gatys.refine import refine
from impasto.engines.pictures import StylePicture
from impasto.nets.vgg import VGG19Features
from impasto.progress import Progress, silent
from impasto.training.photos import load_rgb, save_picture
from impasto.training.recipe import StyleRecipe
from impasto.zoo.features import Features
from impasto_link.options import RefineOptions
from impasto_link.sentences import say


def save_exemplars(
    bank: Path,
    styles: tuple[StyleRecipe, ...],
    vgg: VGG19Features,
    device: torch.device,
    side: int = 512,
    iterations: int = 60,
    progress: Progress | None = None,
) -> None:
    """Paint an example of each style that has none yet, into the folder beside a bank.

    Args:
        bank: the bank's weights.
        styles: its styles.
        vgg: the network that measures.
        device: where to compute.
        side: of an example in pixels.
        iterations: at the full size; see `RefineOptions`.
        progress: told of each iteration, without a picture: half an example is none, and would not be painted again.
    """
    folder = bank.with_suffix(".exemplars")
    folder.mkdir(parents=True, exist_ok=True)
    features = Features(vgg, device, fast_dtype(device))
    options = RefineOptions(iterations=iterations, content_weight=0.0, max_side=side, style_loss="wasserstein")
    missing = [style for style in styles if not (folder / f"{style.name}.jpg").exists()]
    progress = progress or silent()
    for number, style in enumerate(missing):
        doing = say("painting an example of {style}", style=style.name)
        part = progress.part(number / len(missing), (number + 1) / len(missing), doing)
        paintings = [(StylePicture(_trimmed(file, style).to(device)), 1.0) for file in style.paintings]
        noise = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device)
        texture = refine(features, None, noise, paintings, options, style.size, _unseen(part))
        save_picture(texture[0].cpu(), folder / f"{style.name}.jpg")


def _unseen(progress: Progress) -> Progress:
    """The same, told without words and pictures."""
    return Progress(lambda done, *_: progress(done))


def _trimmed(path: Path, style: StyleRecipe) -> torch.Tensor:
    painting = load_rgb(path)[None].float() / 255
    height, width = painting.shape[-2:]
    down, across = round(style.trim * height), round(style.trim * width)
    return painting[..., down : height - down, across : width - across]
