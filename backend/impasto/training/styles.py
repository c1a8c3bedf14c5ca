"""Training of a style bank: Johnson et al. 2016 with the conditional normalisation of Dumoulin et al. 2017."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as TF
from torchvision.utils import make_grid

from impasto.nets.look import LookWeights, spikes
from impasto.nets.style_bank import ConvLayer, StyleBankNet
from impasto.nets.vgg import VGG19Features
from impasto.training.bank_losses import BankLoss, GramLoss, LookLoss
from impasto.training.common import Schedule, Trainer, autocast, endless, to_measure
from impasto.training.photos import PhotoCrops, is_held_out, readable
from impasto.training.recipe import BankRecipe, StyleRecipe
from impasto_link.errors import BadRequest


@dataclass(frozen=True)
class TrainingOptions(Schedule):
    """How to train a bank."""

    steps: int = 20_000
    crop: int = 256
    code_speed: float = 5.0
    """How many times faster the codes learn than the body: each is seen in a fraction of the steps only."""
    content_weight: float = 1.0
    style_weight: float = 1.0
    """Multiplies the weight that each style has of its own."""
    tv_weight: float = 0.1
    light_weight: float = 4.0
    spike_weight: float = 0.02
    codes_only: bool = False
    """Leave the body alone and train the styles' codes: how a style is added to a finished bank."""


@dataclass(frozen=True)
class LookOptions(TrainingOptions):
    """How to train a bank by the loss of `impasto.nets.look`; what its weights mean is said there."""

    style_weight: float = LookWeights.style / StyleRecipe.weight
    """Full strength for a style of the usual weight. A quarter of it is a gentle painting."""
    content_weight: float = LookWeights.content
    tv_weight: float = LookWeights.variation
    light_weight: float = LookWeights.light
    spike_weight: float = LookWeights.spikes
    color_weight: float = LookWeights.color
    likeness_weight: float = LookWeights.likeness
    dot_weight: float = LookWeights.dots
    checker_weight: float = LookWeights.checker


class StyleTrainer(Trainer):
    """Trains a bank.

    Args:
        recipe: the styles.
        photos: the photos to learn from (held-out ones already taken away).
        vgg: the network that measures.
        options: how to train, and by which loss.
        device: where to train.
        net: the body to go on from, for a new bank a fresh one.
        learned_before: if that one is trained on, what its card says of its training so far.
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
    ) -> None:
        torch.manual_seed(options.seed)
        self.recipe = recipe
        self.options = options
        self.net = (net or StyleBankNet(recipe.width, recipe.blocks)).to(device).to(memory_format=torch.channels_last)
        codes = self.net.neutral_code().repeat(len(recipe.styles), 1)
        self.codes = nn.Parameter(codes.to(device))
        vgg = to_measure(vgg, device)
        self._loss: BankLoss
        if isinstance(options, LookOptions):
            self._loss = LookLoss(recipe, vgg, options)
        else:
            self._loss = GramLoss(recipe, vgg, options)
        self.net.requires_grad_(not options.codes_only)
        groups: list[dict[str, Any]] = [{"params": [self.codes], "speed": options.code_speed}]
        if not options.codes_only:
            groups.append({"params": list(self.net.parameters()), "speed": 1.0})
        super().__init__(
            options, torch.optim.Adam(groups, lr=options.learning_rate), {"net": self.net}, device, learned_before
        )
        self._spikes: list[Tensor] = []
        for layer in self.net.modules():
            # Not the first layers: what stands out there is in the photo.
            if options.spike_weight and isinstance(layer, ConvLayer) and layer not in self.net.down:
                layer.conv.register_forward_hook(self._note_spikes)
        self.photos = endless(PhotoCrops(photos, options.crop), options.batch, options.workers)

    @torch.no_grad()
    def begin_with(self, codes: Tensor) -> None:
        """Begin with other codes than neutral ones, (S, code_length)."""
        self.codes.copy_(codes)

    def _note_spikes(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        if torch.is_grad_enabled():
            self._spikes.append(spikes(output).mean())

    def train_step(self) -> dict[str, float]:
        """One step of Adam; returns the parts of the loss, averaged over the batch."""
        photos = next(self.photos).to(self.device, memory_format=torch.channels_last)
        which = torch.randint(len(self.recipe.styles), (len(photos),)).to(self.device)
        with autocast(self.device):
            painted = self._paint(photos, which)
        spiked = torch.stack(self._spikes).mean() if self._spikes else torch.zeros((), device=self.device)
        self._spikes.clear()
        loss, parts = self._loss(painted, photos, which, spiked)
        gradient = self.descend(loss)
        return {"loss": loss.item(), **{name: part.item() for name, part in parts.items()}, "gradient": gradient}

    def _paint(self, photos: Tensor, which: Tensor) -> Tensor:
        # Another piece of the grain each time, lest the network learns one by heart.
        origin = (int(torch.randint(4096, ())), int(torch.randint(4096, ())))
        if self.device.type == "cpu":
            # One by one the normalisation has a fused kernel, which on a CPU counts for more than the batch.
            pairs = zip(photos.split(1), self.codes[which].split(1), strict=True)
            return torch.cat([self.net(photo, code, origin=origin) for photo, code in pairs])
        return self.net(photos, self.codes[which], origin=origin)

    @torch.no_grad()
    def samples(self, photos: Tensor) -> Tensor:
        """A sheet, (3, H, W) in [0, 1]: the photos above, below them a row for each style."""
        photos = photos.to(self.device)
        rows = [photos]
        with autocast(self.device):
            for code in self.codes:
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
