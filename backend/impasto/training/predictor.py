"""Training of the network that predicts codes of a bank from pictures (Ghiasi et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.nets.adain import StyleLatent
from impasto.nets.encoder import CompactEncoder
from impasto.nets.predictor import StylePredictor
from impasto.nets.style_bank import ConvLayer, StyleBankNet
from impasto.nets.vgg import VGG19Features
from impasto.training.arbitrary import ArbitraryTrainer, MeasuredStyles
from impasto.training.look_loss import LookSchedule

#: By how much codes of the shipped bank differ, in the mean.
_SPREAD = 0.3


@dataclass(frozen=True)
class PredictorOptions(LookSchedule):
    """How to train the predictor."""

    learning_rate: float = 5e-4
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
        predictor: the one to go on from, if it is no new one.
        learned_before: what its card says of its training so far.
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
        predictor: StylePredictor | None = None,
        learned_before: dict[str, Any] | None = None,
    ) -> None:
        torch.manual_seed(options.seed)
        self.body = body.to(device).requires_grad_(False).to(memory_format=torch.channels_last)
        net = predictor or fresh_predictor(styles.latent.description, codes, options.hidden)
        self.predictor = net.to(device).requires_grad_()
        super().__init__(
            options,
            torch.optim.AdamW(self.predictor.parameters(), lr=options.learning_rate, weight_decay=1e-3),
            {"predictor": self.predictor},
            device,
            learned_before,
            encoder=encoder,
            styles=styles,
            photos=photos,
            vgg=vgg,
            # Codes rule how far activations stand out.
            watched=[x.conv for x in body.modules() if isinstance(x, ConvLayer) and x not in body.down],
        )

    def paint(self, photos: Tensor, style: StyleLatent) -> Tensor:
        """See `ArbitraryTrainer`."""
        codes = self.predictor(style.description).expand(len(photos), -1)
        is_training = torch.is_grad_enabled()
        origin = (int(torch.randint(4096, ())), int(torch.randint(4096, ()))) if is_training else (0, 0)
        # One by one the normalisation has a fused kernel.
        pairs = zip(photos.split(1), codes.split(1), strict=True)
        return torch.cat([self.body(photo, code, origin=origin) for photo, code in pairs])


def fresh_predictor(
    described: Tensor, codes: Tensor, hidden: int = 512, strengths: tuple[float, ...] = (1.0,)
) -> StylePredictor:
    """A predictor that has learned nothing but what is usual.

    Args:
        described: descriptions of styles, (N, described).
        codes: (S, code_length); of a single one it is not known how much codes differ.
        hidden: width of its layers.
        strengths: see `StylePredictor`.
    """
    net = StylePredictor(described.shape[1], codes.shape[1], hidden, strengths)
    # Of a single row, too: without its correction the deviation is 0 then, not NaN.
    net.described_mean.copy_(described.mean(0))
    net.described_std.copy_(described.std(0, correction=0).clamp_min(1e-3))
    net.code_mean.copy_(codes.mean(0))
    net.code_std.copy_(codes.std(0).clamp_min(1e-3) if len(codes) > 1 else torch.full_like(net.code_std, _SPREAD))
    return net
