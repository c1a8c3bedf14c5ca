"""Training of the network that predicts codes of a bank from pictures (Ghiasi et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.nets.adain import describe_style
from impasto.nets.encoder import CompactEncoder
from impasto.nets.look import light_distance
from impasto.nets.perceptual import CONTENT_LAYERS, content_distance, style_distance, total_variation
from impasto.nets.predictor import StylePredictor
from impasto.nets.style_bank import StyleBankNet
from impasto.nets.vgg import VGG19Features
from impasto.training.arbitrary import ArbitraryTrainer, MeasuredStyles
from impasto.training.common import Schedule, autocast, endless, to_measure
from impasto.training.photos import PhotoCrops


@dataclass(frozen=True)
class PredictorOptions(Schedule):
    """How to train the predictor; the weights of the losses are those of the bank's training."""

    crop: int = 144
    learning_rate: float = 5e-4
    style_weight: float = 5.0
    content_weight: float = 1.0
    tv_weight: float = 0.1
    light_weight: float = 4.0
    hidden: int = 512


class PredictorTrainer(ArbitraryTrainer):
    """Trains a `StylePredictor` through a finished bank, whose body stays as it is.

    Args:
        body: the network of the bank.
        codes: the codes of the bank's own styles, (S, code_length): what is usual for a code.
        styles: what to learn from.
        photos: photos to paint.
        encoder: looks at styles.
        vgg: the network that measures.
        options: how to train.
        device: where.
    """

    def __init__(
        self,
        body: StyleBankNet,
        codes: Tensor,
        styles: MeasuredStyles,
        photos: list[Path],
        encoder: CompactEncoder,
        vgg: VGG19Features,
        options: PredictorOptions,
        device: torch.device,
    ) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.body = body.to(device).requires_grad_(False).to(memory_format=torch.channels_last)
        self.encoder = encoder.to(device).requires_grad_(False)
        self.vgg = to_measure(vgg, device)
        self.styles = styles
        net = StylePredictor(styles.latent.description.shape[1], body.code_length, options.hidden)
        net.described_mean.copy_(styles.latent.description.mean(0))
        # Of a single row, too: without its correction the deviation is 0 then, not NaN.
        net.described_std.copy_(styles.latent.description.std(0, correction=0).clamp_min(1e-3))
        net.code_mean.copy_(codes.mean(0))
        net.code_std.copy_(codes.std(0, correction=0).clamp_min(1e-3))
        self.predictor = net.to(device)
        optimizer = torch.optim.AdamW(self.predictor.parameters(), lr=options.learning_rate, weight_decay=1e-3)
        super().__init__(options, optimizer, {"predictor": self.predictor}, device)
        self.photos = endless(PhotoCrops(photos, options.crop), options.batch, options.workers)

    def train_step(self) -> dict[str, float]:
        """One step of AdamW; returns the parts of the loss, averaged over the batch."""
        options = self.options
        photos = next(self.photos).to(self.device, memory_format=torch.channels_last)
        which = torch.randint(len(self.styles), (len(photos),))
        codes = self.predictor(self.styles.latent.description[which].to(self.device))
        origin = (int(torch.randint(4096, ())), int(torch.randint(4096, ())))
        with autocast(self.device):
            # One by one the normalisation has a fused kernel.
            pairs = zip(photos.split(1), codes.split(1), strict=True)
            painted = torch.cat([self.body(photo, code, origin=origin) for photo, code in pairs])
        targets = {layer: grams[which].to(self.device).float() for layer, grams in self.styles.grams.items()}
        features = self.vgg(painted, {*targets, *CONTENT_LAYERS})
        with torch.no_grad():
            wanted = self.vgg(photos, CONTENT_LAYERS)
        # What is out of reach for one style must not drown the others.
        style = style_distance(features, targets).clamp_max(4.0)
        content = content_distance(features, wanted, pooled=True)
        light = light_distance(painted, photos)
        loss = (
            options.style_weight * style
            + options.content_weight * content
            + options.tv_weight * total_variation(painted)
            + options.light_weight * light
        ).mean()
        gradient = self.descend(loss)
        return {
            "loss": loss.item(),
            "style": style.mean().item(),
            "content": content.mean().item(),
            "light": light.mean().item(),
            "gradient": gradient,
        }

    def paint_like(self, painting: Tensor, photos: Tensor) -> Tensor:
        """See `ArbitraryTrainer`."""
        code = self.predictor(describe_style(self.encoder(painting)))
        return torch.cat([self.body(photo[None], code) for photo in photos])
