"""What all trainings share: the optimiser's step, checkpoints that an interruption cannot damage, and the loop."""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision.transforms.v2 import functional as TF

from impasto.compute.accelerator import fast_dtype
from impasto.nets.vgg import VGG19Features
from impasto.progress import Enough, Progress, silent
from impasto.zoo.vgg import load_vgg19
from impasto_link.errors import ModelProblem
from impasto_link.sentences import say

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)

#: So many gradients in a row that are not finite end a training: no step would follow them.
_MOST_NOT_FINITE = 20


@dataclass(frozen=True)
class Schedule:
    """What every training is told; every value goes into the card of the model."""

    steps: int = 10_000
    batch: int = 4
    learning_rate: float = 1e-3
    warmup: int = 200
    clip: float = 1.0
    """The norm above which a gradient is shortened."""
    seed: int = 0
    workers: int = 0
    """Processes that load pictures."""


def training_dtype(device: torch.device) -> torch.dtype:
    """The number format to train in: bfloat16 where it is fast, else float32; float16 would lose small gradients."""
    return torch.bfloat16 if fast_dtype(device) == torch.bfloat16 else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """Within it networks with weights in float32 compute in `training_dtype`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=training_dtype(device) == torch.bfloat16)


def vgg_of(path: Path | None) -> VGG19Features:
    """VGG-19, from a file or else torchvision's, which is downloaded once; raises ModelProblem if it cannot be had."""
    try:
        return load_vgg19(path)
    except (OSError, ValueError) as error:
        raise ModelProblem(f"VGG-19 cannot be loaded: {error}.", "Name a file with --vgg.") from error


def vgg_name(path: Path | None) -> str:
    """What a card says of where VGG-19 came from."""
    return path.name if path else "torchvision VGG19_Weights.IMAGENET1K_V1"


def to_measure(vgg: VGG19Features, device: torch.device) -> VGG19Features:
    """The network that measures what is painted, on the device and in its `training_dtype`."""
    return vgg.to(device, training_dtype(device)).to(memory_format=torch.channels_last)


class Trainer(ABC):
    """Trains something step by step; its whole state goes through ``state_dict`` and ``load_state_dict``.

    Args:
        options: how to train.
        optimizer: its groups may have a ``speed``, by which the learning rate is multiplied.
        parts: what is trained, by the name under which the checkpoint has it.
        device: where to train, in its `training_dtype`.
        learned_before: if it begins with a trained network, what that one's card says of its training.
    """

    def __init__(
        self,
        options: Schedule,
        optimizer: torch.optim.Optimizer,
        parts: dict[str, nn.Module],
        device: torch.device,
        learned_before: dict[str, Any] | None = None,
    ) -> None:
        self._schedule = options
        self.optimizer = optimizer
        self._parts = parts
        self.device = device
        self.step = 0
        self._not_finite = 0
        #: The options of each stretch of training so far, with the step at which it began.
        self.history: list[dict[str, Any]] = [{"from_step": 0, **asdict(options)}]
        if learned_before is not None:
            self.history[0]["learned_before"] = learned_before

    @property
    def steps(self) -> int:
        """After how many steps the training is complete."""
        return self._schedule.steps

    @abstractmethod
    def train_step(self) -> dict[str, float]:
        """One step of the optimiser; returns what it measured."""

    def learning_rate(self) -> float:
        """The learning rate of the next step, before the speeds of the groups."""
        return self._schedule.learning_rate * warm_cosine(self.step, self._schedule.steps, self._schedule.warmup)

    def descend(self, loss: Tensor) -> float:
        """Take a step down the gradient of ``loss``, clipped; returns the norm that it had. Counts the step.

        Raises:
            ModelProblem: one gradient after the other was not finite, so that nothing is learned any more.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate() * group.get("speed", 1.0)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        norm = nn.utils.clip_grad_norm_(parameters, self._schedule.clip)
        if torch.isfinite(norm):
            self.optimizer.step()
            self._not_finite = 0
        else:
            log.warning("Step %d had a gradient that was not finite and was left out.", self.step)
            self._not_finite += 1
            if self._not_finite == _MOST_NOT_FINITE:
                raise ModelProblem(
                    f"{_MOST_NOT_FINITE} gradients in a row were not finite: the training learns nothing any more.",
                    "Train with a lower --learning-rate, and look for something unusual among the pictures.",
                )
        self.step += 1
        return norm.item()

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on, of tensors and plain values only."""
        return {
            "step": self.step,
            **{name: part.state_dict() for name, part in self._parts.items()},
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "history": self.history,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``; raises ValueError if one training began with a trained network, the other not."""
        if ("learned_before" in state["history"][0]) != ("learned_before" in self.history[0]):
            raise ValueError("it began with another network")
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        self._load_optimizer(state)
        torch.set_rng_state(state["random"].cpu())
        self.step = state["step"]
        self.history = [dict(stretch) for stretch in state["history"]]
        options = asdict(self._schedule)
        if any(self.history[-1].get(key) != value for key, value in options.items()):
            self.history.append({"from_step": self.step, **options})

    def _load_optimizer(self, state: dict[str, Any]) -> None:
        settings = [
            {key: value for key, value in group.items() if key != "params"} for group in self.optimizer.param_groups
        ]
        self.optimizer.load_state_dict(state["optimizer"])
        # The settings of this run count, such as the speeds of its groups, not those of the run that saved.
        for group, own in zip(self.optimizer.param_groups, settings, strict=True):
            group.update(own)


def warm_cosine(step: int, steps: int, warmup: int) -> float:
    """Share of the full learning rate: linear warm-up, then half a cosine (Loshchilov and Hutter 2017) down to 0.01."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def endless(pictures: Dataset[Tensor], batch: int, workers: int = 0) -> Iterator[Tensor]:
    """Batches of pictures, drawn at random without end.

    A generator, because a loader draws its seed, and its workers their first pictures, as soon as it is iterated over:
    a training that goes on has to restore the random numbers before, or it sees the same pictures again.
    """
    sampler = RandomSampler(pictures, replacement=True, num_samples=2**40)  # type: ignore[arg-type]
    yield from DataLoader(pictures, batch, sampler=sampler, num_workers=workers)


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write the state of a training, tensors and plain values only, whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_checkpoint(trainer: Trainer, path: Path) -> dict[str, Any]:
    """Bring a trainer to where a checkpoint stands; returns the checkpoint.

    Raises:
        ModelProblem: the file is damaged, or the checkpoint of another training.
        OSError: it cannot be read.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a damaged file may trip the unpickler up in any way
        raise ModelProblem(
            f"The checkpoint {path} is damaged.", "Put a copy of it in its place, or remove it to train anew."
        ) from error
    try:
        trainer.load_state_dict(state)
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ModelProblem(
            f"The checkpoint {path} is of another training.",
            "Give the command with which that training began, or name another folder with --work.",
        ) from error
    return state


def restore(trainer: Trainer, folder: Path) -> None:
    """Bring a trainer to where the training in ``folder`` stands, to export it.

    Raises:
        ModelProblem: there is no checkpoint, it is damaged, or of another training.
        OSError: it cannot be read.
    """
    try:
        checkpoint = load_checkpoint(trainer, folder / "checkpoint.pt")
    except FileNotFoundError as error:
        raise ModelProblem(f"There is no checkpoint in {folder} to export.", "Train first.") from error
    trainer.history = checkpoint["history"]


#: Measures where a training stands, into TensorBoard.
Look = Callable[["SummaryWriter"], None]
#: Paints where it stands: a sheet of samples, (3, H, W) in [0, 1].
Sheet = Callable[[], Tensor]


def train(
    trainer: Trainer,
    folder: Path,
    sheet: Sheet | None = None,
    look: Look | None = None,
    *,
    progress: Progress | None = None,
    every_s: float = 600.0,
) -> None:
    """Run a trainer to its last step; checkpoints, samples and TensorBoard logs go to ``folder``.

    Ended at any point, the next call goes on from the last checkpoint.

    Args:
        trainer: what to run.
        folder: where ``checkpoint.pt``, ``samples.jpg`` and ``logs/`` lie.
        sheet: paints the samples after each checkpoint, and whenever who is told of the progress wants to see them.
        look: called after each checkpoint.
        progress: told of each step, with what it lost, and the samples as a picture, (1, 3, H, W). What it raises
            leaves a checkpoint of the step; `Enough` ends the training there, as if it had been the last one.
        every_s: seconds between checkpoints.

    Raises:
        ModelProblem: the checkpoint is damaged or of another training, or the training learns nothing any more.
        OSError: something cannot be read or written.
    """
    from torch.utils.tensorboard import SummaryWriter

    progress = progress or silent()
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        load_checkpoint(trainer, checkpoint)
        log.info("Going on from step %d of %s", trainer.step, checkpoint)
    smooth: dict[str, float] = {}

    def save() -> None:
        save_checkpoint(trainer.state_dict(), checkpoint)

    with SummaryWriter(str(folder / "logs")) as writer:

        def stand() -> None:
            save()
            if sheet is not None:
                picture = sheet()
                writer.add_image("samples", picture, trainer.step)
                TF.to_pil_image(picture).save(folder / "samples.jpg", quality=88)
            if look is not None:
                look(writer)

        began, saved_at = trainer.step, time.monotonic()
        while trainer.step < trainer.steps:
            parts = trainer.train_step()
            smooth = {key: 0.98 * smooth.get(key, value) + 0.02 * value for key, value in parts.items()}
            if trainer.step % 20 == 0:
                for key, value in parts.items():
                    writer.add_scalar(key, value, trainer.step)
            try:
                _tell(progress, trainer, smooth, sheet)
            except Enough:
                log.info("Ended after step %d, as was wished", trainer.step)
                break
            except BaseException:
                # Between two steps nothing is half done.
                save()
                raise
            if trainer.step < trainer.steps and time.monotonic() - saved_at > every_s:
                stand()
                saved_at = time.monotonic()
        if trainer.step > began:
            stand()


def _tell(progress: Progress, trainer: Trainer, losses: dict[str, float], sheet: Sheet | None) -> None:
    doing = say(
        "step {step} of {steps}: {losses}",
        step=trainer.step,
        steps=trainer.steps,
        losses=", ".join(f"{name} {value:.3f}" for name, value in losses.items()),
    )
    progress(trainer.step / trainer.steps, doing, None if sheet is None else lambda: sheet()[None])
