"""Training of a style bank: Johnson et al. 2016 with the conditional normalisation of Dumoulin et al. 2017.

A style has a code for each size of its strokes and each strength. Beside the styles of the bank the network may learn
to paint like any picture (Ghiasi et al. 2017), by codes that a predictor gives: what it has seen of many pictures is of
use to the few of the bank, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as TF
from torchvision.utils import make_grid

from impasto.nets.look import StyleLook, all_styles, look_at
from impasto.nets.predictor import StylePredictor
from impasto.nets.style_bank import ConvLayer, StyleBankNet
from impasto.nets.vgg import VGG19Features
from impasto.training.arbitrary import MeasuredStyles
from impasto.training.common import Trainer, autocast, endless, to_measure
from impasto.training.look_loss import LookSchedule, SpikeWatch, style_looks
from impasto.training.photos import PhotoCrops, is_held_out, readable
from impasto.training.recipe import BankRecipe
from impasto_link.errors import BadRequest


@dataclass(frozen=True)
class TrainingOptions(LookSchedule):
    """How to train a bank."""

    steps: int = 20_000
    code_speed: float = 5.0
    """How many times faster the codes learn than the body: each is seen in a fraction of the steps only."""
    picture_share: float = 0.5
    """How many of the paintings are like any picture, if that is learned, too."""
    codes_only: bool = False
    """Leave the body alone and train the styles' codes: how a style is added to a finished bank."""


class Pictures(NamedTuple):
    """What is needed to learn to paint like any picture."""

    styles: MeasuredStyles
    predictor: StylePredictor


class Draw(NamedTuple):
    """What a batch is painted like."""

    codes: Tensor
    """(B, code_length)."""
    looks: StyleLook
    """Of B styles."""
    times: Tensor
    """How many times as much as usual the style counts, (B,)."""


class StyleTrainer(Trainer):
    """Trains a bank.

    Args:
        recipe: the styles.
        photos: the photos to learn from (held-out ones already taken away).
        vgg: the network that measures.
        options: how to train.
        device: where to train.
        net: the body to go on from, for a new bank a fresh one.
        learned_before: if that one is trained on, what its card says of its training so far.
        pictures: what the predictor learns from, which is trained along; nothing if not given.

    Attributes:
        codes: of each style with each size of its strokes at each strength, (S, Z, G, code_length).
    """

    def __init__(
        self,
        recipe: BankRecipe,
        photos: list[Path],
        vgg: VGG19Features,
        options: TrainingOptions,
        device: torch.device,
        net: StyleBankNet | None = None,
        learned_before: dict[str, Any] | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        torch.manual_seed(options.seed)
        self.recipe = recipe
        self.options = options
        self.net = (net or StyleBankNet(recipe.width, recipe.blocks)).to(device).to(memory_format=torch.channels_last)
        kinds = len(recipe.styles), len(recipe.strokes), len(recipe.strengths)
        self.codes = nn.Parameter(self.net.neutral_code().repeat(*kinds, 1).to(device))
        self._vgg = to_measure(vgg, device)
        self._looks = style_looks(recipe, self._vgg)
        self._pictures = pictures
        self.net.requires_grad_(not options.codes_only)
        parts: dict[str, nn.Module] = {"net": self.net}
        groups: list[dict[str, Any]] = [{"params": [self.codes], "speed": options.code_speed}]
        if not options.codes_only:
            groups.append({"params": list(self.net.parameters()), "speed": 1.0})
        if pictures is not None:
            parts["predictor"] = pictures.predictor.to(device)
            groups.append({"params": list(pictures.predictor.parameters()), "speed": 1.0})
        super().__init__(options, torch.optim.Adam(groups, lr=options.learning_rate), parts, device, learned_before)
        # Not the first layers: what stands out there is in the photo.
        late = [x.conv for x in self.net.modules() if isinstance(x, ConvLayer) and x not in self.net.down]
        self._spikes = SpikeWatch(late if options.spike_weight else ())
        self.photos = endless(PhotoCrops(photos, options.crop), options.batch, options.workers)

    @torch.no_grad()
    def begin_with(self, codes: Tensor) -> None:
        """Begin with other codes than neutral ones, (S, Z, G, code_length)."""
        self.codes.copy_(codes)

    @property
    def usual(self) -> int:
        """Which of the sizes of strokes is the usual one."""
        return min(range(len(self.recipe.strokes)), key=lambda at: abs(math.log(self.recipe.strokes[at])))

    def train_step(self) -> dict[str, float]:
        """One step of Adam; returns the parts of the loss, averaged over the batch."""
        photos = next(self.photos).to(self.device, memory_format=torch.channels_last)
        draw = self._draw(len(photos))
        with autocast(self.device):
            painted = self._paint(photos, draw.codes)
        parts = look_at(self._vgg, painted, photos, draw.looks, self._spikes.take())
        loss = parts.total(self.options.weights, draw.times).mean()
        gradient = self.descend(loss)
        told = {name: part.mean().item() for name, part in parts._asdict().items()}
        return {"loss": loss.item(), **told, "gradient": gradient}

    def _draw(self, count: int) -> Draw:
        """Styles of the bank and pictures, as many as their shares are."""
        liked = 0
        if self._pictures is not None:
            liked = int((torch.rand(count) < self.options.picture_share).sum())
        draws = [draw(number) for draw, number in ((self._own, count - liked), (self._any, liked)) if number]
        return Draw(
            torch.cat([draw.codes for draw in draws]),
            all_styles([draw.looks for draw in draws]),
            torch.cat([draw.times for draw in draws]),
        )

    def _own(self, count: int) -> Draw:
        """Styles of the bank, mostly as one usually wants them."""
        sizes, strengths = len(self.recipe.strokes), len(self.recipe.strengths)
        style = torch.randint(len(self.recipe.styles), (count,))
        size = _mostly(self.usual, sizes, count)
        strength = _mostly(strengths - 1, strengths, count)
        weights = torch.tensor([style.weight for style in self.recipe.styles])
        return Draw(
            self.codes[style, size, strength],
            self._looks.of((style * sizes + size).to(self.device)),
            (weights[style] * self._strength(strength).square()).to(self.device),
        )

    def _any(self, count: int) -> Draw:
        """Views of any pictures."""
        assert self._pictures is not None
        styles, predictor = self._pictures
        like = styles.of(torch.randint(len(styles), (count,)), self.device)
        strengths = len(self.recipe.strengths)
        strength = self._strength(_mostly(strengths - 1, strengths, count)).to(self.device)
        return Draw(
            predictor(like.latent.description, self._share(strength)),
            like.look,
            strength.square(),
        )

    def _strength(self, which: Tensor) -> Tensor:
        return torch.tensor(self.recipe.strengths)[which]

    def _share(self, strength: Tensor) -> Tensor | None:
        """Strengths as the predictor is told of them, from 0 to 1; None if there is but one."""
        gentlest = self.recipe.strengths[0]
        return None if gentlest == 1 else (strength - gentlest) / (1 - gentlest)

    def _paint(self, photos: Tensor, codes: Tensor) -> Tensor:
        # Another piece of the grain each time, lest the network learns one by heart.
        origin = (int(torch.randint(4096, ())), int(torch.randint(4096, ())))
        if self.device.type == "cpu":
            # One by one the normalisation has a fused kernel, which on a CPU counts for more than the batch.
            pairs = zip(photos.split(1), codes.split(1), strict=True)
            return torch.cat([self.net(photo, code, origin=origin) for photo, code in pairs])
        return self.net(photos, codes, origin=origin)

    @torch.no_grad()
    def samples(self, photos: Tensor) -> Tensor:
        """A sheet, (3, H, W) in [0, 1]: the photos above, below them a row for each style as one usually wants it."""
        photos = photos.to(self.device)
        rows = [photos]
        with autocast(self.device):
            for code in self.codes[:, self.usual, -1]:
                rows.append(torch.cat([self.net(photo[None], code[None]) for photo in photos]))
        return make_grid(torch.cat(rows).float().cpu(), nrow=len(photos), padding=4, pad_value=1.0)

    def state_dict(self) -> dict[str, Any]:
        """As `Trainer.state_dict`, with the codes by the names of their styles."""
        codes = {s.name: code.detach() for s, code in zip(self.recipe.styles, self.codes, strict=True)}
        return {**super().state_dict(), "codes": codes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``; styles that it does not know begin neutral."""
        super().load_state_dict(state)
        with torch.no_grad():
            for row, style in zip(self.codes, self.recipe.styles, strict=True):
                if style.name in state["codes"]:
                    row.copy_(state["codes"][style.name])

    def _load_optimizer(self, state: dict[str, Any]) -> None:
        # Its memory is worth something only if the styles are the same.
        if [style.name for style in self.recipe.styles] == list(state["codes"]):
            super()._load_optimizer(state)


def _mostly(usual: int, kinds: int, count: int) -> Tensor:
    """So many numbers below ``kinds``, drawn at random, (count,): the usual one in two of three cases, else any."""
    drawn = torch.randint(kinds, (count,))
    return torch.where(torch.rand(count) < 2 / 3, usual, drawn)


def preview_photos(pictures: list[Path], count: int = 6, side: int = 256) -> Tensor:
    """Photos for the sample sheets, (count, 3, side, side) in [0, 1]: held-out ones as far as there are any.

    Raises:
        BadRequest: none of those that were chosen can be read.
    """
    held_out = [path for path in pictures if is_held_out(path)] or pictures
    chosen = held_out[:: max(1, len(held_out) // count)][:count]
    photos = [TF.center_crop(TF.resize(photo, [side]), [side, side]).float() / 255 for _, photo in readable(chosen)]
    if not photos:
        raise BadRequest("None of the photos for the samples can be read.", "Look at the warnings; mend the files.")
    return torch.stack(photos)


@torch.no_grad()
def save_thumbnails(
    bank: Path, net: StyleBankNet, codes: Tensor, names: list[str], photo: Tensor, side: int = 384, size: int = 192
) -> None:
    """Paint a photo, (1, 3, H, W) in [0, 1], in each style, and write the thumbnails of a bank."""
    folder = bank.with_suffix(".thumbnails")
    folder.mkdir(parents=True, exist_ok=True)
    photo = TF.center_crop(TF.resize(photo, [side], antialias=True), [side, side]).to(codes.device)
    for name, code in zip(names, codes, strict=True):
        painted = TF.resize(net(photo, code[None]), [size, size], antialias=True)
        TF.to_pil_image(painted[0].clamp(0, 1).cpu()).save(folder / f"{name}.jpg", quality=88)
