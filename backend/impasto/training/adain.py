"""Training of the decoder of adaptive instance normalisation (Huang and Belongie 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.nets.adain import AdaINDecoder, StyleLatent, mean_std, restyle, see_style
from impasto.nets.encoder import CompactEncoder
from impasto.nets.look import light_distance
from impasto.nets.perceptual import CONTENT_LAYERS, Features, content_distance, total_variation
from impasto.nets.vgg import VGG19Features
from impasto.training.arbitrary import ArbitraryTrainer, MeasuredStyles
from impasto.training.common import Schedule, autocast, endless, to_measure
from impasto.training.photos import PhotoCrops


@dataclass(frozen=True)
class AdaINOptions(Schedule):
    """How to train the decoder."""

    crop: int = 144
    learning_rate: float = 1e-3
    modulation_speed: float = 0.1
    """How much slower the modulations by the style's description learn than the convolutions."""
    style_weight: float = 4.0
    content_weight: float = 1.0
    tv_weight: float = 2.0
    light_weight: float = 4.0


def mean_std_distance(features: Features, means: Features, grams: Features) -> Tensor:
    """Relative squared distance of means and standard deviations (equation 13 of the paper), over layers. Shape (B,).

    Args:
        features: activations by layer, (B, C, H, W).
        means, grams: of the styles, (B, C) and (B, C, C).
    """
    parts = []
    for layer, wanted_mean in means.items():
        mean, std = (part.flatten(1) for part in mean_std(features[layer]))
        second = grams[layer].float().diagonal(dim1=1, dim2=2)
        wanted_std = (second - wanted_mean.square()).clamp_min(1e-5).sqrt()
        distance = (mean - wanted_mean).square().sum(1) + (std - wanted_std).square().sum(1)
        parts.append(distance / second.sum(1))
    return torch.stack(parts).mean(0)


class AdaINTrainer(ArbitraryTrainer):
    """Trains an `AdaINDecoder`; the encoder stays as it is.

    Args:
        encoder: gives the features.
        styles: what to learn from.
        photos: photos to paint.
        vgg: the network that measures.
        options: how to train.
        device: where.
    """

    def __init__(
        self,
        encoder: CompactEncoder,
        styles: MeasuredStyles,
        photos: list[Path],
        vgg: VGG19Features,
        options: AdaINOptions,
        device: torch.device,
    ) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.encoder = encoder.to(device).requires_grad_(False).to(memory_format=torch.channels_last)
        self.vgg = to_measure(vgg, device)
        self.styles = styles
        described = styles.latent.description
        decoder = AdaINDecoder(encoder.width, described.shape[1])
        decoder.described_mean.copy_(described.mean(0))
        # Of a single view, too: without its correction the deviation is 0 then, not NaN.
        decoder.described_std.copy_(described.std(0, correction=0).clamp_min(1e-3))
        self.decoder = decoder.to(device).to(memory_format=torch.channels_last)
        # A step of a modulation moves all of a layer at once.
        groups = [
            {"params": [*self.decoder.layers.parameters(), *self.decoder.skip.parameters()], "speed": 1.0},
            {"params": list(self.decoder.modulations.parameters()), "speed": options.modulation_speed},
        ]
        optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=1e-4)
        super().__init__(options, optimizer, {"decoder": self.decoder}, device)
        self.photos = endless(PhotoCrops(photos, options.crop), options.batch, options.workers)

    def train_step(self) -> dict[str, float]:
        """One step of AdamW; returns the parts of the loss, averaged over the batch."""
        options = self.options
        photos = next(self.photos).to(self.device, memory_format=torch.channels_last)
        which = torch.randint(len(self.styles), (len(photos),))
        style = StyleLatent(*(part[which].to(self.device) for part in self.styles.latent))
        with autocast(self.device):
            with torch.no_grad():
                features = restyle(self.encoder(photos), style)
            painted = self.decoder(*features, style.description)
        means = {layer: values[which].to(self.device) for layer, values in self.styles.means.items()}
        grams = {layer: values[which].to(self.device) for layer, values in self.styles.grams.items()}
        seen = self.vgg(painted, {*means, *CONTENT_LAYERS})
        with torch.no_grad():
            wanted = self.vgg(photos, CONTENT_LAYERS)
        style_loss = mean_std_distance(seen, means, grams).clamp_max(4.0)
        # Of the photo itself. The paper asks for the features that went in, but the small encoder's would do as well
        # for a picture without shapes.
        content = content_distance(seen, wanted, pooled=True)
        loss = options.style_weight * style_loss + options.content_weight * content
        light = light_distance(painted, photos)
        loss = (loss + options.tv_weight * total_variation(painted) + options.light_weight * light).mean()
        gradient = self.descend(loss)
        return {
            "loss": loss.item(),
            "style": style_loss.mean().item(),
            "content": content.mean().item(),
            "light": light.mean().item(),
            "gradient": gradient,
        }

    def paint_like(self, painting: Tensor, photos: Tensor) -> Tensor:
        """See `ArbitraryTrainer`."""
        style = see_style(self.encoder(painting))
        return self.decoder(*restyle(self.encoder(photos), style), style.description)
