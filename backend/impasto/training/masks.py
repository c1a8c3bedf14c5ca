"""Training of the network that finds the subject."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, WeightedRandomSampler
from torchvision.transforms.v2 import functional as TF
from torchvision.utils import make_grid
from tqdm import tqdm

from impasto.masking.subject import find_mask
from impasto.nets.unet import MobileNetV2, SubjectNet
from impasto.training.common import save_checkpoint, warm_cosine
from impasto.training.mask_losses import mask_loss, mask_scores
from impasto.training.photos import load_rgb
from impasto.training.subjects import Subject, SubjectCrops, load_mask

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MaskTrainingOptions:
    """How to train; every value goes into the card of the model."""

    steps: int = 12_000
    batch: int = 8
    side: int = 256
    learning_rate: float = 2e-3
    encoder_speed: float = 0.15
    """The encoder has learned already: how much slower it goes on."""
    weight_decay: float = 1e-2
    weak_weight: float = 0.4
    averaging: float = 0.998
    """Decay of the running average of the weights, which is what is kept in the end."""
    warmup: int = 200
    clip: float = 1.0
    seed: int = 0
    workers: int = 0


class MaskTrainer:
    """Trains a `SubjectNet` step by step; its whole state goes through ``state_dict`` and ``load_state_dict``.

    Args:
        subjects: what to learn from.
        backgrounds: photos without subject onto which subjects are pasted.
        encoder: the encoder to begin with.
        options: how to train.
        device: where; bfloat16 autocast is used on it.
    """

    def __init__(
        self,
        subjects: list[Subject],
        backgrounds: list[Path],
        encoder: MobileNetV2,
        options: MaskTrainingOptions,
        device: torch.device,
    ) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.device = device
        net = SubjectNet(encoder.padding)
        net.encoder = encoder
        self.net = net.to(device).to(memory_format=torch.channels_last)
        #: Exponential moving average of the network (Polyak and Juditsky 1992): better, and steadier, than any step's.
        self.averaged = AveragedModel(
            self.net, multi_avg_fn=get_ema_multi_avg_fn(options.averaging), use_buffers=True
        ).to(memory_format=torch.channels_last)
        slow = list(self.net.encoder.parameters())
        known = {id(parameter) for parameter in slow}
        fast = [parameter for parameter in self.net.parameters() if id(parameter) not in known]
        self.optimizer = torch.optim.AdamW(
            [{"params": fast, "speed": 1.0}, {"params": slow, "speed": options.encoder_speed}],
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        self.step = 0
        self.history: list[dict[str, Any]] = [{"from_step": 0, **asdict(options)}]
        self.samples = self._endless(SubjectCrops(subjects, backgrounds, options.side))

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
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.net(pictures.contiguous(memory_format=torch.channels_last))
        loss = mask_loss(logits, masks, weak, options.weak_weight).mean()
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate * warm_cosine(self.step, options.steps, options.warmup) * group["speed"]
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), options.clip)
        if torch.isfinite(norm):
            self.optimizer.step()
            self.averaged.update_parameters(self.net)
        else:
            log.warning("Step %d had a gradient that was not finite and was left out.", self.step)
        self.step += 1
        return {"loss": loss.item(), "gradient": norm.item()}

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on, of tensors and plain values only."""
        return {
            "step": self.step,
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "history": self.history,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"].cpu())
        self.step = state["step"]
        self.history = [dict(stretch) for stretch in state["history"]]
        if {**self.history[-1], "from_step": 0} != {"from_step": 0, **asdict(self.options)}:
            self.history.append({"from_step": self.step, **asdict(self.options)})


@torch.no_grad()
def evaluate(net: SubjectNet, subjects: list[Subject]) -> dict[str, dict[str, float]]:
    """Mean scores of a network, by set and over all ("all"); see `mask_scores`."""
    device = next(net.parameters()).device
    scores: dict[str, list[dict[str, float]]] = {}
    for subject in subjects:
        picture = load_rgb(subject.picture)[None].float().to(device) / 255
        mask = load_mask(subject.mask)[None].float().to(device) / 255
        found = TF.resize(find_mask(net, picture), list(mask.shape[-2:]), antialias=True)
        score = mask_scores(found, mask)
        for group in (subject.group, "all"):
            scores.setdefault(group, []).append(score)
    return {
        group: {key: sum(score[key] for score in found) / len(found) for key in found[0]}
        for group, found in scores.items()
    }


@torch.no_grad()
def _sheet(net: SubjectNet, subjects: list[Subject], side: int = 160) -> Tensor:
    """Pictures, masks found and true masks in three rows, (3, H, W) in [0, 1]."""
    device = next(net.parameters()).device
    rows: list[list[Tensor]] = [[], [], []]
    for subject in subjects:
        picture = load_rgb(subject.picture)[None].float() / 255
        found = find_mask(net, picture.to(device)).cpu()
        true = load_mask(subject.mask)[None].float() / 255
        for row, tile in zip(rows, (picture, found, true), strict=True):
            row.append(TF.resize(tile, [side, side], antialias=True).expand(-1, 3, -1, -1))
    return make_grid(torch.cat([tile for row in rows for tile in row]), nrow=len(subjects), padding=4, pad_value=1.0)


def train_masks(
    trainer: MaskTrainer, folder: Path, held_out: list[Subject], *, every_s: float = 180.0, evaluated: int = 48
) -> None:
    """Run a trainer to its last step; checkpoints, TensorBoard logs and sheets go to ``folder``.

    Args:
        trainer: what to run.
        folder: where ``checkpoint.pt`` and ``logs/`` lie; from a checkpoint there it goes on.
        held_out: pictures that are not learned from, to measure on.
        every_s: seconds between checkpoints.
        evaluated: on how many pictures to measure at each checkpoint.
    """
    from torch.utils.tensorboard import SummaryWriter

    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load_state_dict(torch.load(checkpoint, map_location=trainer.device, weights_only=True))
        log.info("Going on from step %d of %s", trainer.step, checkpoint)
    some = held_out[:: max(1, len(held_out) // evaluated)]
    total = trainer.options.steps
    saved_at = time.monotonic()
    smooth: dict[str, float] = {}
    with SummaryWriter(str(folder / "logs")) as writer, tqdm(total=total, initial=trainer.step) as bar:
        while trainer.step < total:
            parts = trainer.train_step()
            smooth = {key: 0.98 * smooth.get(key, value) + 0.02 * value for key, value in parts.items()}
            bar.update()
            bar.set_postfix({key: f"{value:.3f}" for key, value in smooth.items()}, refresh=False)
            if trainer.step % 20 == 0:
                for key, value in parts.items():
                    writer.add_scalar(key, value, trainer.step)
            if time.monotonic() - saved_at > every_s or trainer.step == total:
                save_checkpoint(trainer.state_dict(), checkpoint)
                net = trainer.result.eval()
                if some:
                    for group, scores in evaluate(net, some).items():
                        writer.add_scalar(f"iou/{group}", scores["iou"], trainer.step)
                        log.info("step %d, %s: %s", trainer.step, group, {k: round(v, 3) for k, v in scores.items()})
                    sheet = _sheet(net, some[:: max(1, len(some) // 10)][:10])
                    writer.add_image("masks", sheet, trainer.step)
                    TF.to_pil_image(sheet).save(folder / "samples.png")
                saved_at = time.monotonic()
