"""Distillation of a style bank (Hinton et al. 2015, https://arxiv.org/abs/1503.02531): a smaller network learns to
paint what the bank's own paints, all styles of it and mixtures of two.

The student is held to the teacher's paintings pixel by pixel and in what the compact encoder sees of them, place by
place (Johnson et al. 2016, https://arxiv.org/abs/1603.08155) and in its Gram matrices: of strokes that a small network
cannot lay where the teacher does, at least as many shall be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.utils import make_grid

from impasto.execution.style_bank import FoldedStyleBank
from impasto.nets.encoder import CompactEncoder
from impasto.nets.perceptual import content_distance, gram, style_distance
from impasto.nets.style_bank import StyleBankNet
from impasto.training.common import Schedule, Trainer, autocast, endless, training_dtype
from impasto.training.photos import PhotoCrops
from impasto.training.pruning import Gates
from impasto.zoo.bank import StyleCodes

#: Beyond it a distance of Gram matrices says no more than "unlike".
_MOST_UNLIKE = 10.0
#: How many styles the sheet of samples shows.
_SHOWN = 8


@dataclass(frozen=True)
class StudentOptions(Schedule):
    """How to make a student."""

    steps: int = 8000
    batch: int = 2
    crop: int = 192
    learning_rate: float = 2e-3
    slim_steps: int = 300
    """Of the teacher's own network, under the penalty that shows which of its channels can go."""
    slim_weight: float = 3.0
    """Of that penalty."""
    pixel_weight: float = 1.0
    feature_weight: float = 1.0
    gram_weight: float = 0.2
    mix_share: float = 0.25
    """Which share of the paintings is in a mixture of two styles."""
    code_speed: float = 5.0
    """How many times faster the codes learn than the network: each is seen in a fraction of the steps only."""

    def slimming(self) -> StudentOptions:
        """The same for the steps under the penalty: the network knows all already, and only its gates have to move."""
        return replace(self, steps=self.slim_steps, warmup=min(20, self.slim_steps), learning_rate=3e-4)


class Teacher(NamedTuple):
    """Who is imitated.

    Attributes:
        net: the bank's network.
        codes: of each style, by name.
    """

    net: StyleBankNet
    codes: dict[str, StyleCodes]

    @property
    def all_codes(self) -> Tensor:
        """All codes of all styles one below the other, (N, code_length)."""
        return torch.cat([style.codes.flatten(0, 1) for style in self.codes.values()])

    @property
    def usual(self) -> list[int]:
        """For each style the place of its usual code among all codes."""
        places, at = [], 0
        for style in self.codes.values():
            row, column, _ = max(style.grid.corners(1.0, 1.0), key=lambda corner: corner[-1])
            places.append(at + row * len(style.grid.strengths) + column)
            at += len(style.grid.strokes) * len(style.grid.strengths)
        return places

    def chances(self) -> Tensor:
        """How often each code is drawn, (N,): all styles as often, and mostly as one usually wants them."""
        parts = []
        for style in self.codes.values():
            kinds = len(style.grid.strokes) * len(style.grid.strengths)
            parts.append(torch.full((kinds,), 1 / 3 / kinds))
        chances = torch.cat(parts)
        chances[self.usual] += 2 / 3
        return chances


class _Imitation(Trainer):
    """Trains a network to paint what another one paints.

    Args:
        teacher: who is imitated.
        net: who imitates.
        photos: the photos to learn from (held-out ones already taken away).
        encoder: sees how alike paintings are.
        options: how to train.
        groups: what is trained, for the optimiser.
        parts: the same by name, for the checkpoint.
        device: where to train.
    """

    def __init__(
        self,
        teacher: Teacher,
        net: StyleBankNet,
        photos: list[Path],
        encoder: CompactEncoder,
        options: StudentOptions,
        groups: list[dict[str, Any]],
        parts: dict[str, nn.Module],
        device: torch.device,
    ) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.net = net
        self.teacher = teacher
        self._paints = FoldedStyleBank(teacher.net, device, training_dtype(device))
        self._all_codes, self._chances = teacher.all_codes.to(device), teacher.chances()
        self._encoder = encoder.to(device, training_dtype(device)).to(memory_format=torch.channels_last)
        self._encoder.requires_grad_(False)
        super().__init__(options, torch.optim.Adam(groups, lr=options.learning_rate), parts, device)
        self.photos = endless(PhotoCrops(photos, options.crop), options.batch, options.workers)

    def own_codes(self) -> Tensor:
        """The codes of the network that imitates, in the order of the teacher's, (N, its code_length)."""
        raise NotImplementedError

    def penalty(self) -> Tensor | None:
        """What else is to become small, if anything."""
        return None

    def train_step(self) -> dict[str, float]:
        """One step of Adam; returns the parts of the loss."""
        photos = next(self.photos).to(self.device, memory_format=torch.channels_last)
        shares = self._draw(len(photos)).to(self.device)
        # Another piece of the grain each time, lest the network learns one by heart.
        origin = (int(torch.randint(4096, ())), int(torch.randint(4096, ())))
        pairs = list(zip(photos.split(1), (shares @ self._all_codes).split(1), strict=True))
        # Cloned, because what is computed in inference mode cannot be a part of a loss.
        wanted = torch.cat([self._paints.paint(photo, code, origin=origin).clone() for photo, code in pairs])
        codes = (shares @ self.own_codes()).split(1)
        with autocast(self.device):
            # One by one the normalisation has a fused kernel.
            given = torch.cat(
                [self.net(photo, code, origin=origin) for photo, code in zip(photos.split(1), codes, strict=True)]
            )
        parts = self._compare(given, wanted)
        weights = self.options.pixel_weight, self.options.feature_weight, self.options.gram_weight
        loss = sum((weight * part for weight, part in zip(weights, parts.values(), strict=True)), torch.zeros(()))
        told = {name: part.item() for name, part in parts.items()}
        penalty = self.penalty()
        if penalty is not None:
            loss = loss + self.options.slim_weight * penalty
            told["penalty"] = penalty.item()
        told["gradient"] = self.descend(loss)
        return told

    def _draw(self, count: int) -> Tensor:
        """For each painting the shares of all codes in its own, (count, N): of one style or of two."""
        drawn = torch.multinomial(self._chances, 2 * count, replacement=True).unflatten(0, (count, 2))
        share = torch.where(torch.rand(count) < self.options.mix_share, torch.rand(count), torch.ones(count))
        shares = torch.zeros(count, len(self._chances))
        return shares.scatter_add_(1, drawn, torch.stack([share, 1 - share], dim=1))

    def _compare(self, given: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        """How unlike paintings are, in pixels, features and Gram matrices; 0 is equal, each a mean over the batch."""
        wanted = wanted.contiguous(memory_format=torch.channels_last)
        spread = (wanted - wanted.mean((2, 3), keepdim=True)).square().mean()
        pixels = (given - wanted).square().mean() / spread.clamp_min(1e-3)
        dtype = training_dtype(self.device)
        with torch.no_grad():
            sought = _named(self._encoder(wanted.to(dtype)))
        seen = _named(self._encoder(given.to(dtype)))
        features = content_distance(seen, sought, pooled=True).mean()
        style = style_distance(seen, {name: gram(maps) for name, maps in sought.items()}).mean()
        return {"pixels": pixels, "features": features, "gram": style.clamp_max(_MOST_UNLIKE)}

    def state_dict(self) -> dict[str, Any]:
        """As `Trainer.state_dict`, with the names of the styles."""
        return {**super().state_dict(), "styles": list(self.teacher.codes)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``; raises ValueError if that is of other styles, as when some have come or gone since."""
        if state["styles"] != list(self.teacher.codes):
            raise ValueError("it is of other styles")
        super().load_state_dict(state)

    @torch.no_grad()
    def samples(self, photos: Tensor) -> Tensor:
        """A sheet, (3, H, W) in [0, 1]: the photos above, below them some styles, the teacher's painting over each."""
        rows = [photos]
        places = self.teacher.usual[:: max(1, len(self.teacher.usual) // _SHOWN)]
        own = self.own_codes()
        for place in places:
            for paints, codes in ((self._paints.paint, self._all_codes), (self.paint, own)):
                rows.append(torch.cat([paints(photo[None].to(self.device), codes[place][None]) for photo in photos]))
        return make_grid(torch.cat([row.float().cpu() for row in rows]), nrow=len(photos), padding=4, pad_value=1.0)

    def paint(self, photo: Tensor, code: Tensor) -> Tensor:
        """As the network that imitates paints now."""
        with autocast(self.device):
            return self.net(photo, code)


class SlimTrainer(_Imitation):
    """Trains a copy of the teacher's network to do with few channels.

    Attributes:
        gates: which channels those are.
    """

    def __init__(
        self,
        teacher: Teacher,
        photos: list[Path],
        encoder: CompactEncoder,
        options: StudentOptions,
        device: torch.device,
    ) -> None:
        net = StyleBankNet(teacher.net.width, teacher.net.blocks)
        net.load_state_dict(teacher.net.state_dict())
        net = net.to(device).to(memory_format=torch.channels_last)
        self._codes = teacher.all_codes.to(device)
        self.gates = Gates(net, self._codes).to(device)
        groups: list[dict[str, Any]] = [
            {"params": list(net.parameters())},
            # All the way from 1 to 0 has to be gone in these few steps.
            {"params": list(self.gates.parameters()), "speed": 60.0},
        ]
        parts: dict[str, nn.Module] = {"net": net, "gates": self.gates}
        super().__init__(teacher, net, photos, encoder, options.slimming(), groups, parts, device)

    def own_codes(self) -> Tensor:
        """The teacher's codes with the gates in them."""
        return self._codes * self.gates.factor()

    def penalty(self) -> Tensor:
        """That of the gates."""
        return self.gates.penalty()


class OwnCodes(nn.Module):
    """The codes of a student: what is their own, and what all have in common, which is learned from every painting."""

    def __init__(self, codes: Tensor) -> None:
        super().__init__()
        self.own = nn.Parameter(codes.clone())
        self.common = nn.Parameter(torch.zeros_like(codes[0]))

    def forward(self) -> Tensor:
        """(N, code_length)."""
        return self.own + self.common


class StudentTrainer(_Imitation):
    """Trains a student.

    Args:
        teacher: who is imitated.
        net: the student.
        codes: what its codes are to begin with, in the order of the teacher's, (N, its code_length).
        photos: the photos to learn from (held-out ones already taken away).
        encoder: sees how alike paintings are.
        options: how to train.
        device: where to train.
    """

    def __init__(
        self,
        teacher: Teacher,
        net: StyleBankNet,
        codes: Tensor,
        photos: list[Path],
        encoder: CompactEncoder,
        options: StudentOptions,
        device: torch.device,
    ) -> None:
        net = net.to(device).to(memory_format=torch.channels_last)
        self._codes = OwnCodes(codes).to(device)
        groups: list[dict[str, Any]] = [
            {"params": [*net.parameters(), self._codes.common]},
            {"params": [self._codes.own], "speed": options.code_speed},
        ]
        super().__init__(teacher, net, photos, encoder, options, groups, {"net": net, "codes": self._codes}, device)

    def own_codes(self) -> Tensor:
        """The student's codes as they are now."""
        codes: Tensor = self._codes()
        return codes

    def codes(self) -> dict[str, StyleCodes]:
        """The same by the names of their styles, on the CPU."""
        rows, found = iter(self.own_codes().detach().cpu()), {}
        for name, style in self.teacher.codes.items():
            sizes, strengths = style.codes.shape[:2]
            codes = torch.stack([next(rows) for _ in range(sizes * strengths)]).unflatten(0, (sizes, strengths))
            found[name] = StyleCodes(codes, style.grid)
        return found


def _named(maps: Sequence[Tensor]) -> dict[str, Tensor]:
    return {str(scale): features for scale, features in enumerate(maps)}
