"""Training of the decoder of adaptive instance normalisation (Huang and Belongie 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.nets.adain import AdaINDecoder, StyleLatent, restyle
from impasto.nets.encoder import CompactEncoder
from impasto.nets.vgg import VGG19Features
from impasto.training.arbitrary import ArbitraryTrainer, MeasuredStyles
from impasto.training.look_loss import LookSchedule


@dataclass(frozen=True)
class AdaINOptions(LookSchedule):
    """How to train the decoder."""

    modulation_speed: float = 0.1
    """How much slower the modulations by the style's description learn than the convolutions."""


class AdaINTrainer(ArbitraryTrainer):
    """Trains an `AdaINDecoder`; the encoder stays as it is.

    The decoder normalises nothing, so no spike can rule what is around it: they are not looked for.

    Args:
        encoder: gives the features.
        styles: what to learn from.
        photos: photos to paint.
        vgg: the network that measures.
        options: how to train.
        device: where.
        decoder: the one to go on from, if it is no new one.
        learned_before: what its card says of its training so far.
    """

    def __init__(
        self,
        encoder: CompactEncoder,
        styles: MeasuredStyles,
        photos: list[Path],
        vgg: VGG19Features,
        options: AdaINOptions,
        device: torch.device,
        decoder: AdaINDecoder | None = None,
        learned_before: dict[str, Any] | None = None,
    ) -> None:
        torch.manual_seed(options.seed)
        decoder = decoder or _fresh(encoder.width, styles.latent.description)
        self.decoder = decoder.to(device).requires_grad_().to(memory_format=torch.channels_last)
        # A step of a modulation moves all of a layer at once.
        groups = [
            {"params": [*self.decoder.layers.parameters(), *self.decoder.skip.parameters()], "speed": 1.0},
            {"params": list(self.decoder.modulations.parameters()), "speed": options.modulation_speed},
        ]
        super().__init__(
            options,
            torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=1e-4),
            {"decoder": self.decoder},
            device,
            learned_before,
            encoder=encoder,
            styles=styles,
            photos=photos,
            vgg=vgg,
        )

    def paint(self, photos: Tensor, style: StyleLatent) -> Tensor:
        """See `ArbitraryTrainer`."""
        with torch.no_grad():
            features = restyle(self._encoder(photos), style)
        return self.decoder(*features, style.description)


def _fresh(width: int, described: Tensor) -> AdaINDecoder:
    decoder = AdaINDecoder(width, described.shape[1])
    # Of a single view, too: without its correction the deviation is 0 then, not NaN.
    decoder.described_mean.copy_(described.mean(0))
    decoder.described_std.copy_(described.std(0, correction=0).clamp_min(1e-3))
    return decoder
