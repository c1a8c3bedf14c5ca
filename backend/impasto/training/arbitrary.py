"""What the trainings for pictures as styles share: views of many pictures as styles, measured once; the loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map, tree_map_
from torchvision.transforms.v2 import functional as TF
from torchvision.utils import make_grid

from impasto.nets.adain import StyleLatent, see_style
from impasto.nets.encoder import CompactEncoder
from impasto.nets.look import StyleLook, look_at, see_styles, style_layers
from impasto.nets.vgg import VGG19Features
from impasto.progress import Progress, silent
from impasto.training.common import Trainer, autocast, endless, to_measure
from impasto.training.look_loss import LookSchedule, SpikeWatch
from impasto.training.photos import PhotoCrops, StyleCrops


@dataclass(frozen=True)
class MeasuredStyles:
    """N views of pictures as styles, and what the networks see in them, on the CPU."""

    look: StyleLook
    """What the loss compares with; of it the covariances in bfloat16, or 1000 views would need 3 GB."""
    latent: StyleLatent

    def __len__(self) -> int:
        return len(self.latent.description)

    def of(self, which: Tensor, device: torch.device) -> MeasuredStyles:
        """Those of these numbers, (B,), in this order, all float32 on the device."""
        return MeasuredStyles(*tree_map(lambda x: x[which].to(device, torch.float32), (self.look, self.latent)))


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
    layers = style_layers(vgg.names)
    found: tuple[StyleLook, StyleLatent] | None = None
    for number in (progress or silent()).over(range(views), "measuring styles"):
        view = crops[0][None].to(device).contiguous(memory_format=torch.channels_last)
        one = (tree_map(_compact, see_styles(vgg, view, layers)), see_style(encoder(view)))
        if found is None:
            # All of it at once: small pieces that are kept between large ones that are not would tear the heap up.
            found = tree_map(lambda x: torch.empty(views, *x.shape[1:], dtype=x.dtype), one)
        tree_map_(lambda all_of_them, x, at=number: all_of_them[at].copy_(x[0]), found, one)
    assert found is not None
    return MeasuredStyles(*found)


def _compact(x: Tensor) -> Tensor:
    is_covariance = x.dim() == 3
    return x.bfloat16() if is_covariance else x


class ArbitraryTrainer(Trainer):
    """A trainer of what paints like a picture that it has not seen in training.

    Args:
        options: how to train.
        optimizer, parts, device, learned_before: as those of `Trainer`.
        encoder: looks at styles; it stays as it is.
        styles: what to learn from.
        photos: photos to paint.
        vgg: the network that measures.
        watched: layers of the network that paints in which spikes are looked for.
    """

    def __init__(
        self,
        options: LookSchedule,
        optimizer: torch.optim.Optimizer,
        parts: dict[str, nn.Module],
        device: torch.device,
        learned_before: dict[str, Any] | None,
        *,
        encoder: CompactEncoder,
        styles: MeasuredStyles,
        photos: list[Path],
        vgg: VGG19Features,
        watched: Iterable[nn.Module] = (),
    ) -> None:
        super().__init__(options, optimizer, parts, device, learned_before)
        self._weights = options.weights
        self._encoder = encoder.to(device).requires_grad_(False).to(memory_format=torch.channels_last)
        self._styles = styles
        self._vgg = to_measure(vgg, device)
        self._spikes = SpikeWatch(watched if options.spike_weight else ())
        self._photos = endless(PhotoCrops(photos, options.crop), options.batch, options.workers)

    @abstractmethod
    def paint(self, photos: Tensor, style: StyleLatent) -> Tensor:
        """Photos, (B, 3, H, W) in [0, 1], painted each in its style, or all in one."""

    def train_step(self) -> dict[str, float]:
        """One step of the optimiser; returns the parts of the loss, averaged over the batch."""
        photos = next(self._photos).to(self.device, memory_format=torch.channels_last)
        which = torch.randint(len(self._styles), (len(photos),))
        style = self._styles.of(which, self.device)
        with autocast(self.device):
            painted = self.paint(photos, style.latent)
        parts = look_at(self._vgg, painted, photos, style.look, self._spikes.take())
        loss = parts.total(self._weights).mean()
        gradient = self.descend(loss)
        means = {name: part.mean().item() for name, part in parts._asdict().items()}
        return {"loss": loss.item(), **means, "gradient": gradient}

    @torch.no_grad()
    def samples(self, photos: Tensor, paintings: list[Tensor]) -> Tensor:
        """A sheet, (3, H, W) in [0, 1]: a row for each painting, (1, 3, h, w), which stands at its left."""
        side = photos.shape[-1]
        rows = [torch.ones(1, 3, side, side), photos.cpu()]
        for painting in paintings:
            with autocast(self.device):
                style = see_style(self._encoder(painting.to(self.device)))
                painted = self.paint(photos.to(self.device), style)
            rows += [TF.center_crop(TF.resize(painting, [side]), [side, side]), painted.float().cpu()]
        return make_grid(torch.cat(rows), nrow=len(photos) + 1, padding=4, pad_value=1.0)
