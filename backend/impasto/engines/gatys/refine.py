"""Optimising pixels, coarse to fine.

Gatys et al. 2016 (https://openaccess.thecvf.com/content_cvpr_2016/html/Gatys_Image_Style_Transfer_CVPR_2016_paper.html)
at several scales (Gatys et al. 2017, "Controlling perceptual factors in neural style transfer"): what is found at one
scale is carried over to the next, so that large shapes are painted like large shapes of the style. Each scale goes on
with the optimiser's memory of the one before, and ends with an average of its iterates, as in
https://github.com/crowsonkb/style-transfer-pytorch.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from impasto.compute.accelerator import give_memory_back
from impasto.engines.gatys import FACTS
from impasto.engines.gatys.objective import FeatureNet, Losses, Objective, measure
from impasto.engines.pictures import StylePicture
from impasto.imaging.color import color_moments, match_colors
from impasto.imaging.resample import resize
from impasto.nets.perceptual import STYLE_LAYERS, Moments
from impasto.progress import Enough, Look, Progress
from impasto_link.errors import BadRequest, ImpastoError
from impasto_link.options import RefineOptions
from impasto_link.sentences import say

log = logging.getLogger(__name__)

#: Below this, in pixels, the deepest features of a picture or a style say nothing.
MIN_SIDE = FACTS.smallest
#: The smallest scale on which a style is still one, by its shorter side.
_MIN_STYLE_SIDE = 128
#: Layers of the content, the first that the network has: the paper's, or the nearest.
_CONTENT = ("relu4_2", "relu4_1")
_STYLE_WEIGHT = 13.0
_TV_WEIGHT = 0.3
_AVERAGING = 0.95
#: Of Adam: how much it keeps of the means of the gradient and of its square, and what keeps it from dividing by zero.
_BETAS = (0.9, 0.99)
_EPSILON = 1e-8
_LONGEST_STYLE = 4096
#: Bytes per pixel for the picture, its gradient, the optimiser's memory and the content's features, as measured.
_BYTES_PER_PIXEL = 300
#: Larger pictures are optimised in a smaller form: with the networks and a tile, 6 GB suffice (2896 x 2172: 5.8 GB).
_MAX_BYTES = 2 * 10**9


@dataclass(frozen=True)
class Preset:
    """What a preset of `impasto_link.options.RefineOptions` means."""

    iterations: int
    max_side: int
    style_loss: str = "wasserstein"
    optimizer: str = "adam"
    learning_rate: float = 0.02


PRESETS = {
    "draft": Preset(iterations=25, max_side=512),
    "normal": Preset(iterations=60, max_side=1024),
    "fine": Preset(iterations=200, max_side=2048),
}


class Scale(NamedTuple):
    """One of the sizes through which a picture goes."""

    height: int
    width: int
    iterations: int


def plan_scales(height: int, width: int, iterations: int, max_side: int, smallest: float) -> list[Scale]:
    """The sizes from coarse to fine, each larger by the square root of 2.

    Args:
        height, width: of the picture.
        iterations: at the last scale; twice as many at the first, which has to find its way.
        max_side: the longest side of the last scale.
        smallest: factor of the coarsest scale at the least.
    """
    largest = min(1.0, max_side / max(height, width), math.sqrt(_MAX_BYTES / _BYTES_PER_PIXEL / (height * width)))
    largest = max(largest, MIN_SIDE / min(height, width))
    factors = [largest]
    while factors[-1] / math.sqrt(2) >= smallest and min(height, width) * factors[-1] / math.sqrt(2) >= MIN_SIDE * 2:
        factors.append(factors[-1] / math.sqrt(2))
    sizes = [(max(1, round(height * factor)), max(1, round(width * factor))) for factor in reversed(factors)]
    return [Scale(*size, iterations * 2 if index == 0 else iterations) for index, size in enumerate(sizes)]


def refine(
    net: FeatureNet,
    start: Tensor | None,
    photo: Tensor,
    styles: Sequence[tuple[StylePicture, float]],
    options: RefineOptions,
    style_side: float,
    progress: Progress,
    weights: Tensor | None = None,
) -> Tensor:
    """Optimise a picture.

    Args:
        net: the network that measures.
        start: a painting to begin with, of the shape of the photo; without one it is the photo.
        photo: whose content is to be kept, (1, 3, H, W) float32 in [0, 1], no side shorter than `MIN_SIDE`.
        styles: what to paint like, and how much each counts.
        options: how.
        style_side: how large the shorter side of a style is beside the picture, in pixels of the picture.
        progress: told of the progress, with what gives the picture so far, (1, 3, h, w), which may be smaller. May
            raise `Enough` to have that.
        weights: where the style is to be met, (1, 1, H, W) in [0, 1].

    Returns:
        The optimised picture, of the shape of the photo.
    """
    preset = PRESETS[options.preset]
    from_photo = start is None
    if start is None:
        # Colours are what the optimiser is slowest to change, and a linear map does it at once.
        start = match_colors(photo, *_style_colors(styles), weights)
    height, width = start.shape[-2:]
    scales = plan_scales(
        height,
        width,
        options.iterations or preset.iterations,
        max(MIN_SIDE, options.max_side or preset.max_side),
        _MIN_STYLE_SIDE / style_side,
    )
    work = sum(scale.iterations * scale.height * scale.width for scale in scales)
    layers = [layer for layer in STYLE_LAYERS if layer in net.names]
    if options.layer_weights and not any(options.layer_weights[: len(layers)]):
        raise BadRequest(
            say(
                "The network that measures has the layers {layers}, and all of them have the weight 0.",
                layers=", ".join(layers),
            ),
            "Give one of these a weight above 0.",
        )
    content_layer = next(layer for layer in _CONTENT if layer in net.names)
    done = 0.0
    memory: Memory | None = None
    best: Tensor | None = None

    for scale in scales:
        size = (scale.height, scale.width)
        # Tensors of one size fit badly into the gaps that those of another have left.
        give_memory_back(start.device)
        log.info("refining at %d x %d, %d iterations", scale.width, scale.height, scale.iterations)
        began = resize(start, *size)
        if best is None:
            best = began
        elif from_photo:
            best = resize(best, *size)
        else:
            # A painting has fine strokes that are worth keeping.
            best = (began + resize(best - resize(start, *best.shape[-2:]), *size)).clamp(0, 1)
        try:
            objective = Objective(
                net,
                resize(photo, *size),
                _targets(net, styles, layers, style_side * scale.height / height, progress.look),
                content_layer,
                style_loss=options.style_loss or preset.style_loss,
                style_weight=_STYLE_WEIGHT,
                content_weight=options.content_weight,
                tv_weight=_TV_WEIGHT * options.tv_weight,
                layer_weights=options.layer_weights,
                weights=None if weights is None else resize(weights, *size),
                look=progress.look,
            )
            descent = _DESCENTS[options.optimizer or preset.optimizer](best, memory, preset.learning_rate)
            for _ in range(scale.iterations):
                losses = descent.step(objective)
                if not math.isfinite(losses.total):
                    raise ImpastoError(
                        "The refinement went astray: its loss is not a number any more.",
                        "Give weights that are less extreme, or another optimizer.",
                    )
                best = descent.picture
                done += scale.height * scale.width
                progress(done / work, say("refining, loss {loss}", loss=f"{losses.total:.2f}"), partial(_given, best))
            memory = descent.memory
        except Enough:
            log.info("stopped early, as was wished")
            break
    assert best is not None
    if best.shape != start.shape:
        best = (start + resize(best - resize(start, *best.shape[-2:]), height, width)).clamp(0, 1)
    return best


def _given(picture: Tensor) -> Tensor:
    return picture


def _targets(
    net: FeatureNet, styles: Sequence[tuple[StylePicture, float]], layers: list[str], side: float, look: Look
) -> Moments:
    """The mean moments of the styles, each with its shorter side at about ``side`` pixels."""
    total = sum(weight for _, weight in styles)
    found: Moments = {}
    for style, weight in styles:
        small = style.at(side, smallest=MIN_SIDE, largest=_LONGEST_STYLE)
        for layer, moments in measure(net, small.picture, layers, small.alpha, look).items():
            share = moments.scaled(weight / total)
            found[layer] = found[layer] + share if layer in found else share
    return found


def _style_colors(styles: Sequence[tuple[StylePicture, float]]) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the styles' colours, averaged by weight."""
    total = sum(weight for _, weight in styles)
    found = [(color_moments(style.picture, style.alpha), weight / total) for style, weight in styles]
    return tuple(sum(moments[at] * share for moments, share in found) for at in (0, 1))  # type: ignore[return-value]


class Memory(NamedTuple):
    """What Adam remembers: means of the gradient and of its square, and the number of steps."""

    mean: Tensor
    square: Tensor
    steps: int


class Descent(Protocol):
    """An optimiser at one scale."""

    @property
    def picture(self) -> Tensor:
        """The best so far, (1, 3, h, w) in [0, 1]."""
        ...

    @property
    def memory(self) -> Memory | None:
        """What the next scale may go on with."""
        ...

    def step(self, objective: Objective) -> Losses:
        """One iteration."""
        ...


class AdamDescent:
    """Adam with an exponential average of the iterates, which is smoother than any of them.

    Kingma and Ba 2015 (https://arxiv.org/abs/1412.6980), algorithm 1, and to the bit what `torch.optim.Adam` does. That
    one imports PyTorch's compiler when it is first made: four seconds in which nobody looks for a cancellation.
    """

    def __init__(self, start: Tensor, memory: Memory | None, learning_rate: float) -> None:
        self._pixels = start.clone(memory_format=torch.contiguous_format)
        self._learning_rate = learning_rate
        if memory is None:
            self._memory = Memory(torch.zeros_like(self._pixels), torch.zeros_like(self._pixels), 0)
        else:
            size = self._pixels.shape[-2:]
            square = resize(memory.square, *size).clamp_min(0)
            self._memory = Memory(resize(memory.mean, *size), square, memory.steps)
        self._average = torch.zeros_like(start)
        self._seen = 0.0

    @property
    def picture(self) -> Tensor:
        """See `Descent`."""
        return (self._average / self._seen).clamp_(0, 1)

    @property
    def memory(self) -> Memory | None:
        """See `Descent`."""
        return self._memory

    def step(self, objective: Objective) -> Losses:
        """See `Descent`."""
        losses, gradient = objective(self._pixels)
        self._move(gradient)
        self._pixels.clamp_(0, 1)
        self._average.mul_(_AVERAGING).add_(self._pixels, alpha=1 - _AVERAGING)
        self._seen = _AVERAGING * self._seen + 1 - _AVERAGING
        return losses

    def _move(self, gradient: Tensor) -> None:
        mean, square, steps = self._memory
        steps += 1
        mean.lerp_(gradient, 1 - _BETAS[0])
        square.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
        # Both began at zero, and are too small at first.
        spread = square.sqrt().div_(math.sqrt(1 - _BETAS[1] ** steps)).add_(_EPSILON)
        self._pixels.addcdiv_(mean, spread, value=-self._learning_rate / (1 - _BETAS[0] ** steps))
        self._memory = Memory(mean, square, steps)


class LBFGSDescent:
    """L-BFGS (Liu and Nocedal 1989), the optimiser of the paper: fewer steps, more memory."""

    def __init__(self, start: Tensor, memory: Memory | None, learning_rate: float) -> None:
        self._pixels = start.clone(memory_format=torch.contiguous_format)
        self._optimizer = torch.optim.LBFGS(
            [self._pixels], max_iter=1, max_eval=20, history_size=10, line_search_fn="strong_wolfe", tolerance_grad=0.0
        )
        self._best = (math.inf, start)

    @property
    def picture(self) -> Tensor:
        """See `Descent`."""
        return self._best[1]

    @property
    def memory(self) -> Memory | None:
        """Its history is of this scale only."""
        return None

    def step(self, objective: Objective) -> Losses:
        """See `Descent`."""
        last: list[Losses] = []

        def closure() -> float:
            # Outside of the range there is nothing to see; the gradient leads back.
            losses, gradient = objective(self._pixels.clamp(0, 1))
            self._pixels.grad = gradient
            last.append(losses)
            if losses.total < self._best[0]:
                self._best = (losses.total, self._pixels.clamp(0, 1))
            return losses.total

        self._optimizer.step(closure)
        return last[-1]


_DESCENTS: dict[str, Callable[[Tensor, Memory | None, float], Descent]] = {"adam": AdamDescent, "lbfgs": LBFGSDescent}
