"""Making pictures larger and smaller; bringing a painting that was made small back to full size."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.imaging.color import luma

#: One step shrinks by no more than this: the kernel for GPUs keeps its weights in shared memory, which is small.
_LARGEST_STEP = 4
#: Windows of the guided filter, in pixels of the small picture to each side of the middle one.
_RADIUS = 1
#: Variance that counts as nothing, of sRGB values: below a contrast of 1 in 100 there is only noise.
_FLAT = 1e-4
#: Correlation (squared) of painting and photo from which an edge counts as the photo's, and where it does fully.
_RELATED = (0.4, 0.9)
#: No photo edge comes back more than so many times stronger than it was.
_MOST_GAIN = 3.0
#: How many pixels are worked on at once, to keep memory small and caches warm.
_STRIP = 1 << 20


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Antialiased bicubic resampling (Keys 1981, a = -0.5) to larger or smaller.

    Args:
        x: (B, C, H, W), float.

    Returns:
        (B, C, height, width). Overshoot is clamped to the range of ``x``; the same size gives ``x`` itself.
    """
    if x.shape[-2:] == (height, width):
        return x
    low, high = torch.aminmax(x)
    while x.shape[-2] > 2 * _LARGEST_STEP * height or x.shape[-1] > 2 * _LARGEST_STEP * width:
        step = (max(height, math.ceil(x.shape[-2] / _LARGEST_STEP)), max(width, math.ceil(x.shape[-1] / _LARGEST_STEP)))
        x = F.interpolate(x, size=step, mode="bicubic", antialias=True, align_corners=False)
    return F.interpolate(x, size=(height, width), mode="bicubic", antialias=True, align_corners=False).clamp(low, high)


def upsample_guided(
    painted_small: Tensor, photo_small: Tensor, photo: Tensor, tick: Callable[[], None] = lambda: None
) -> Tensor:
    """Bring a painting that was made at a small scale to the size of the photo, with crisp strokes and edges.

    Plain enlargement gives soft strokes. The fast guided filter (He and Sun 2015, https://arxiv.org/abs/1505.00996)
    gives the photo's edges, but loses all strokes that the photo does not explain. Here the painting is enlarged, and

    1. gets the photo's fine detail, that is, what the small photo lacks, times the filter's local gain, as far as
       painting and photo are correlated there: edges come to lie where the photo has them;
    2. is held between the darkest and lightest of the neighbouring small pixels, so that there are no halos and
       no ghosts of the photo in even colour;
    3. has its contrast between these two raised: a soft step becomes a crisp one, as with a shock filter (Osher and
       Rudin 1990), while an even gradient, which lies in the middle of its range, stays as it is.

    Args:
        painted_small: (1, 3, h, w) sRGB values.
        photo_small: (1, 3, h, w), what was painted.
        photo: (1, 3, H, W), the same at full size.
        tick: called between strips; may raise to stop.

    Returns:
        (1, 3, H, W), within the range of ``painted_small``. The work is done in strips of rows, which do not show.
    """
    height, width = photo.shape[-2:]
    scale = math.sqrt(height * width / (painted_small.shape[-2] * painted_small.shape[-1]))
    if scale <= 1:
        return resize(painted_small, height, width)

    guide = luma(photo_small)
    smooth = torch.cat([painted_small, guide], dim=1)
    coarse = torch.cat([*_range(painted_small), _gain(painted_small, guide)], dim=1)
    # None at scale 1, so that the result changes continuously with the scale.
    crispness = 2 * (1 - 1 / scale)

    out = torch.empty_like(photo)
    rows = max(16, _STRIP // width)
    for top in range(0, height, rows):
        strip = slice(top, min(top + rows, height))
        painted, guide = _enlarge(smooth, strip, height, width, "bicubic").split((3, 1), dim=1)
        low, high, gain = _enlarge(coarse, strip, height, width, "bilinear").split((3, 3, 3), dim=1)
        detailed = torch.addcmul(painted, gain, luma(photo[:, :, strip]) - guide)
        out[:, :, strip] = _crisp(detailed, low, high, crispness)
        tick()
    return out


def _gain(painted: Tensor, guide: Tensor) -> Tensor:
    """How strongly each channel of the painting follows the photo's luma, (1, 3, h, w); 0 where they are unrelated."""
    mean_guide, mean_painted = _box(guide), _box(painted)
    covariance = _box(guide * painted) - mean_guide * mean_painted
    variance_guide = (_box(guide * guide) - mean_guide**2).clamp_min(0) + _FLAT
    variance_painted = (_box(painted * painted) - mean_painted**2).clamp_min(0).sum(dim=1, keepdim=True) + _FLAT
    correlation = (covariance**2).sum(dim=1, keepdim=True) / (variance_guide * variance_painted)
    weakest, strongest = _RELATED
    related = ((correlation - weakest) / (strongest - weakest)).clamp(0, 1)
    return _box((covariance / variance_guide * related).clamp(-_MOST_GAIN, _MOST_GAIN))


def _range(x: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the greatest value of each pixel and its eight neighbours."""
    low = high = F.pad(x, (1, 1, 1, 1), mode="replicate")
    for dim in (2, 3):  # several times faster than max_pool2d, which keeps track of indices
        size = x.shape[dim]
        low = torch.minimum(low.narrow(dim, 0, size + 1), low.narrow(dim, 1, size + 1))
        low = torch.minimum(low.narrow(dim, 0, size), low.narrow(dim, 1, size))
        high = torch.maximum(high.narrow(dim, 0, size + 1), high.narrow(dim, 1, size + 1))
        high = torch.maximum(high.narrow(dim, 0, size), high.narrow(dim, 1, size))
    return low, high


def _box(x: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(x, (_RADIUS,) * 4, mode="replicate"), 2 * _RADIUS + 1, stride=1)


def _crisp(x: Tensor, low: Tensor, high: Tensor, amount: float) -> Tensor:
    """An S-shaped contrast curve from ``low`` to ``high`` that keeps both ends and the middle."""
    middle, half = (high + low) / 2, (high - low) / 2
    place = ((x - middle) / half.clamp_min(1e-6)).clamp_(-1, 1)
    return torch.addcmul(middle, half, place.mul_(amount).tanh_().div_(math.tanh(amount)))


def _enlarge(x: Tensor, rows: slice, height: int, width: int, mode: str) -> Tensor:
    """The given rows of ``F.interpolate(x, (height, width), mode)``, without the others."""
    position = (torch.arange(rows.start, rows.stop, device=x.device) + 0.5) * (x.shape[-2] / height) - 0.5
    first = position.floor()
    t = (position - first)[:, None]
    if mode == "bilinear":
        taps = {0: 1 - t, 1: t}
    else:  # Keys 1981, with a = -0.75 as in F.interpolate
        taps = {-1: _keys_far(1 + t), 0: _keys_near(t), 1: _keys_near(1 - t), 2: _keys_far(2 - t)}
    index = first.long()
    tapped = [x[:, :, (index + at).clamp(0, x.shape[-2] - 1)] * weight for at, weight in taps.items()]
    vertical = torch.stack(tapped).sum(dim=0)
    return F.interpolate(vertical, size=(len(position), width), mode=mode, align_corners=False)


def _keys_near(distance: Tensor) -> Tensor:
    """The bicubic kernel up to a distance of 1."""
    return (1.25 * distance - 2.25) * distance * distance + 1


def _keys_far(distance: Tensor) -> Tensor:
    """The bicubic kernel from a distance of 1 to 2."""
    return ((-0.75 * distance + 3.75) * distance - 6) * distance + 3
