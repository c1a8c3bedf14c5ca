"""What the trainings for pictures as styles share: views of many pictures as styles, measured once."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_map, tree_map_
from torchvision.transforms.v2 import functional as TF
from torchvision.utils import make_grid

from impasto.nets.adain import StyleLatent, see_style
from impasto.nets.encoder import CompactEncoder
from impasto.nets.perceptual import STYLE_LAYERS, gram
from impasto.nets.vgg import VGG19Features
from impasto.progress import Progress, silent
from impasto.training.common import Trainer, autocast
from impasto.training.photos import StyleCrops


class MeasuredStyles(NamedTuple):
    """Views of pictures as styles, and what the networks see in them."""

    grams: dict[str, Tensor]
    """Gram matrices by layer of VGG-19, (N, C, C) bfloat16."""
    means: dict[str, Tensor]
    """Means of the features by layer of VGG-19, (N, C) float32."""
    latent: StyleLatent
    """Of all N views."""

    def __len__(self) -> int:
        return len(self.latent.description)


@torch.no_grad()
def measure_styles(
    sources: list[list[Path]],
    views: int,
    side: int,
    encoder: CompactEncoder,
    vgg: VGG19Features,
    device: torch.device,
    progress: Progress | None = None,
) -> MeasuredStyles:
    """Draw views of styles and measure them, so that training need not do it again at every step.

    Args:
        sources: pictures in kinds; see `StyleCrops`.
        views: how many to draw.
        side: of a view, in pixels.
        encoder, vgg: what looks at them, on ``device``.
        device: where to compute.
        progress: told before each view.
    """
    crops = StyleCrops(sources, side)
    layers = sorted(vgg.names.intersection(STYLE_LAYERS))
    found: MeasuredStyles | None = None
    for number in (progress or silent()).over(range(views), "measuring styles"):
        view = crops[0][None].to(device).contiguous(memory_format=torch.channels_last)
        maps = encoder(view)
        features = vgg(view, layers)
        one = MeasuredStyles(
            {layer: gram(features[layer]).bfloat16() for layer in layers},
            {layer: features[layer].float().mean((2, 3)) for layer in layers},
            see_style(maps),
        )
        if found is None:
            # All of it at once: small pieces that are kept between large ones that are not would tear the heap up.
            found = MeasuredStyles(*tree_map(lambda x: torch.empty(views, *x.shape[1:], dtype=x.dtype), tuple(one)))
        tree_map_(lambda all_of_them, x, at=number: all_of_them[at].copy_(x[0]), tuple(found), tuple(one))
    assert found is not None
    return found


class ArbitraryTrainer(Trainer):
    """A trainer of what paints like a picture that it has not seen in training."""

    @abstractmethod
    def paint_like(self, painting: Tensor, photos: Tensor) -> Tensor:
        """Photos, (B, 3, H, W) in [0, 1], painted like a painting, (1, 3, h, w)."""

    @torch.no_grad()
    def samples(self, photos: Tensor, paintings: list[Tensor]) -> Tensor:
        """A sheet, (3, H, W) in [0, 1]: a row for each painting, (1, 3, h, w), which stands at its left."""
        side = photos.shape[-1]
        rows = [torch.ones(1, 3, side, side), photos.cpu()]
        for painting in paintings:
            with autocast(self.device):
                painted = self.paint_like(painting.to(self.device), photos.to(self.device))
            rows += [TF.center_crop(TF.resize(painting, [side]), [side, side]), painted.float().cpu()]
        return make_grid(torch.cat(rows), nrow=len(photos) + 1, padding=4, pad_value=1.0)
