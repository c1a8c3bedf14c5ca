"""Training of the network that finds the subject."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, WeightedRandomSampler
from torchvision.transforms.v2 import functional as TF
from torchvision.utils import make_grid

from impasto.masking.subject import find_mask
from impasto.nets.unet import SubjectNet
from impasto.training.common import Look, Schedule, Trainer, autocast, load_checkpoint
from impasto.training.mask_losses import mask_loss, mask_scores
from impasto.training.photos import load_rgb
from impasto.training.subjects import Subject, SubjectCrops, load_mask
from impasto_link.errors import BadRequest

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MaskTrainingOptions(Schedule):
    """How to train the network."""

    steps: int = 12_000
    batch: int = 8
    side: int = 256
    learning_rate: float = 2e-3
    encoder_speed: float = 0.15
    """The encoder has learned already: how much slower it goes on."""
    weight_decay: float = 1e-2
    weak_weight: float = 0.4
    shares: dict[str, float] = field(default_factory=dict)
    """How many times as often as by its size a set is seen; see `impasto.training.subjects.Subject.group`."""
    variety: float = 1.0
    """How much views differ from the pictures; see `impasto.training.subjects.SubjectCrops`."""
    averaging: float = 0.998
    """Decay of the running average of the weights, which is what is kept in the end."""

    def __post_init__(self) -> None:
        if not 0 <= self.variety <= 1:
            raise BadRequest(f"{self.variety} is no variety.", "Give a number from 0 to 1.")


class MaskTrainer(Trainer):
    """Trains a `SubjectNet`.

    Args:
        subjects: what to learn from.
        backgrounds: photos without subject onto which subjects are pasted.
        net: the network to begin with; its encoder should have learned already.
        learned_before: if all of it has, what its card says of that.
        options: how to train.
        device: where.
    """

    def __init__(
        self,
        subjects: list[Subject],
        backgrounds: list[Path],
        net: SubjectNet,
        learned_before: dict[str, Any] | None,
        options: MaskTrainingOptions,
        device: torch.device,
    ) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.net = net.to(device).to(memory_format=torch.channels_last)
        #: Exponential moving average of the network (Polyak and Juditsky 1992): better, and steadier, than any step's.
        self.averaged = AveragedModel(
            self.net, multi_avg_fn=get_ema_multi_avg_fn(options.averaging), use_buffers=True
        ).to(memory_format=torch.channels_last)
        slow = list(self.net.encoder.parameters())
        known = {id(parameter) for parameter in slow}
        fast = [parameter for parameter in self.net.parameters() if id(parameter) not in known]
        optimizer = torch.optim.AdamW(
            [{"params": fast, "speed": 1.0}, {"params": slow, "speed": options.encoder_speed}],
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        super().__init__(options, optimizer, {"net": self.net, "averaged": self.averaged}, device, learned_before)
        #: Of each training whose network is in the mean: its steps and its history.
        self.taken_along: list[dict[str, Any]] = []
        self.samples = self._endless(SubjectCrops(subjects, backgrounds, options.side, options.shares, options.variety))

    def take_along(self, folder: Path) -> None:
        """Make the result the mean of itself and of what was trained in ``folder`` from the same network on.

        Networks that went apart from one another late lie in one basin, and their mean generalises better than each
        (Wortsman et al. 2022, "Model soups", https://arxiv.org/abs/2203.05482).

        Raises:
            ModelProblem, OSError: as `impasto.training.common.load_checkpoint`.
        """
        mine = {key: value.clone() for key, value in self.result.state_dict().items()}
        step, history = self.step, self.history
        load_checkpoint(self, folder / "checkpoint.pt")
        others = self.result.state_dict()
        count = len(self.taken_along) + 1
        stretches = [{key: one[key] for key in one if key != "learned_before"} for one in self.history]
        self.taken_along.append({"steps": self.step, "history": stretches})
        self.step, self.history = step, history
        self.result.load_state_dict(
            {
                key: torch.lerp(value, others[key], 1 / (count + 1)) if value.is_floating_point() else value
                for key, value in mine.items()
            }
        )

    @property
    def result(self) -> SubjectNet:
        """The network to keep."""
        net = self.averaged.module
        assert isinstance(net, SubjectNet)
        return net

    def _endless(self, crops: SubjectCrops) -> Iterator[list[Tensor]]:
        options = self.options
        sampler = WeightedRandomSampler(crops.sampling_weights(), options.steps * options.batch, replacement=True)
        loader = DataLoader(crops, options.batch, sampler=sampler, num_workers=options.workers)
        while True:
            yield from loader

    def train_step(self) -> dict[str, float]:
        """One step of AdamW; returns what it measured."""
        options = self.options
        pictures, masks, weak = (part.to(self.device) for part in next(self.samples))
        self.net.train()
        with autocast(self.device):
            logits = self.net(pictures.contiguous(memory_format=torch.channels_last))
        loss = mask_loss(logits, masks, weak, options.weak_weight).mean()
        gradient = self.descend(loss)
        if math.isfinite(gradient):
            self.averaged.update_parameters(self.net)
        return {"loss": loss.item(), "gradient": gradient}


def _read(subjects: list[Subject], device: torch.device) -> Iterator[tuple[Subject, Tensor, Tensor]]:
    """Pictures, (1, 3, H, W), and masks, (1, 1, H, W), in [0, 1]; those that cannot be read are left out."""
    for subject in subjects:
        try:
            picture, mask = load_rgb(subject.picture), load_mask(subject.mask)
        except OSError as error:
            log.warning("Left out: %s", error)
            continue
        yield subject, picture[None].to(device).float() / 255, mask[None].to(device).float() / 255


@torch.no_grad()
def evaluate(net: SubjectNet, subjects: list[Subject]) -> dict[str, dict[str, float]]:
    """Mean scores of a network, by set and over all ("all"); see `mask_scores`. Damaged pictures do not count."""
    device = next(net.parameters()).device
    scores: dict[str, list[dict[str, float]]] = {}
    for subject, picture, mask in _read(subjects, device):
        found = TF.resize(find_mask(net, picture), list(mask.shape[-2:]), antialias=True)
        score = mask_scores(found, mask)
        for group in (subject.group, "all"):
            scores.setdefault(group, []).append(score)
    return {
        group: {key: sum(score[key] for score in found) / len(found) for key in found[0]}
        for group, found in scores.items()
    }


@torch.no_grad()
def mask_sheet(trainer: MaskTrainer, subjects: list[Subject], side: int = 160) -> Tensor:
    """Some ten pictures, the masks that are found and the true ones in three rows, (3, H, W) in [0, 1]."""
    net = trainer.result.eval()
    rows: list[list[Tensor]] = [[], [], []]
    for _, picture, true in _read(subjects[:: max(1, len(subjects) // 10)][:10], trainer.device):
        for row, tile in zip(rows, (picture, find_mask(net, picture), true), strict=True):
            row.append(TF.resize(tile.cpu(), [side, side], antialias=True).expand(-1, 3, -1, -1))
    if not rows[0]:
        return torch.ones(3, side, side)
    return make_grid(torch.cat([tile for row in rows for tile in row]), nrow=len(rows[0]), padding=4, pad_value=1.0)


def look_at(trainer: MaskTrainer, held_out: list[Subject]) -> Look:
    """What `impasto.training.common.train` calls to measure.

    Args:
        trainer: what is trained.
        held_out: pictures that are not learned from, to measure on.
    """

    def look(writer: SummaryWriter) -> None:
        for group, scores in evaluate(trainer.result.eval(), held_out).items():
            writer.add_scalar(f"iou/{group}", scores["iou"], trainer.step)
            log.info("step %d, %s: %s", trainer.step, group, {k: round(v, 3) for k, v in scores.items()})

    return look
