"""Distillation of VGG-19 into the compact encoder (Hinton et al. 2015, https://arxiv.org/abs/1503.02531)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from impasto.nets.encoder import HEADS, CompactEncoder
from impasto.nets.perceptual import content_distance, gram, style_distance
from impasto.nets.vgg import VGG19Features
from impasto.training.common import Schedule, Trainer, autocast, endless, to_measure
from impasto.training.photos import StyleCrops


@dataclass(frozen=True)
class DistillationOptions(Schedule):
    """How to train the encoder."""

    batch: int = 8
    crop: int = 128
    learning_rate: float = 2e-3
    gram_weight: float = 0.2
    """Of the distance of Gram matrices, against 1 for the distance of the features themselves."""
    width: int = 32


class DistillationTrainer(Trainer):
    """Teaches the encoder to give VGG-19's features.

    Args:
        sources: pictures to learn from, in kinds (photos, paintings, textures) of which each is seen as often.
        vgg: the teacher.
        options: how to train.
        device: where to train.
    """

    def __init__(
        self, sources: list[list[Path]], vgg: VGG19Features, options: DistillationOptions, device: torch.device
    ) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.encoder = CompactEncoder(options.width).to(device).to(memory_format=torch.channels_last)
        self.vgg = to_measure(vgg, device)
        optimizer = torch.optim.AdamW(self.encoder.parameters(), lr=options.learning_rate, weight_decay=1e-4)
        super().__init__(options, optimizer, {"encoder": self.encoder}, device)
        self.pictures = endless(StyleCrops(sources, options.crop), options.batch, options.workers)

    def train_step(self) -> dict[str, float]:
        """One step of AdamW; returns the relative squared distances, of all layers and of the deepest."""
        pictures = next(self.pictures).to(self.device, memory_format=torch.channels_last)
        with torch.no_grad():
            wanted = self.vgg(pictures, HEADS)
        with autocast(self.device):
            given = self.encoder.vgg_features(pictures, HEADS)
        distance = content_distance(given, wanted, pooled=True).mean()
        style = style_distance(given, {layer: gram(features) for layer, features in wanted.items()}).mean()
        gradient = self.descend(distance + self.options.gram_weight * style.clamp_max(10.0))
        deepest = list(HEADS)[-1]
        with torch.no_grad():
            deep = content_distance({deepest: given[deepest]}, {deepest: wanted[deepest]}, pooled=True).mean()
        return {"features": distance.item(), deepest: deep.item(), "gram": style.item(), "gradient": gradient}
