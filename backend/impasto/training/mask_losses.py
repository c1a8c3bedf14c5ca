"""Losses of a mask, and how good a mask is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: Window over which a pixel counts as near an edge, as a share of the mask's side (31 pixels at 352 in Wei et al.).
_EDGE = 0.09


def mask_loss(logits: Tensor, mask: Tensor, weak: Tensor, weak_weight: float) -> Tensor:
    """Cross-entropy that looks at edges, plus Dice; of each sample, (B,).

    Pixels count up to five times near the edges of the mask (Wei et al. 2020, "F3Net", https://arxiv.org/abs/1911.11445,
    equation 5). A weak mask is the other way round: it is wrong about its edges, so these count nothing.

    Args:
        logits: (B, 1, H, W).
        mask: (B, 1, H, W) in [0, 1].
        weak: (B,), 1 where a machine made the mask.
        weak_weight: how much weak samples count.
    """
    window = 2 * round(_EDGE * mask.shape[-1] / 2) + 1
    near = (_box_mean(mask, window) - mask).abs()
    soft = weak[:, None, None, None]
    weight = torch.lerp(1 + 4 * near, (1 - 2 * near).clamp_min(0), soft)
    total = weight.sum((1, 2, 3)).clamp_min(1e-6)
    entropy = (weight * F.binary_cross_entropy_with_logits(logits, mask, reduction="none")).sum((1, 2, 3)) / total
    found = torch.sigmoid(logits)
    overlap = (weight * found * mask).sum((1, 2, 3))
    both = (weight * (found + mask)).sum((1, 2, 3))
    dice = 1 - (2 * overlap + 1) / (both + 1)
    return (entropy + dice) * torch.lerp(torch.ones_like(weak), torch.full_like(weak, weak_weight), weak)


def _box_mean(x: Tensor, window: int) -> Tensor:
    """Mean over the part of a square window that lies inside; by columns, then by rows, which is ten times as fast."""
    for kernel in ((window, 1), (1, window)):
        x = F.avg_pool2d(x, kernel, 1, (kernel[0] // 2, kernel[1] // 2), count_include_pad=False)
    return x


def mask_scores(found: Tensor, mask: Tensor) -> dict[str, float]:
    """How good a mask is.

    Args:
        found: (1, 1, H, W) in [0, 1].
        mask: the true one, of the same shape.

    Returns:
        ``iou`` and ``dice`` at the threshold 0.5, 1 is perfect (and both empty is); ``mae``, the mean absolute
        difference; ``boundary``, the F measure of the edges within a tolerance of 0.75 % of the diagonal (Perazzi et
        al. 2016, "A benchmark dataset and evaluation methodology for video object segmentation", section 5.1).
    """
    a, b = found > 0.5, mask > 0.5
    both, either, sizes = float((a & b).sum()), float((a | b).sum()), float(a.sum() + b.sum())
    return {
        "iou": both / either if either else 1.0,
        "dice": 2 * both / sizes if sizes else 1.0,
        "mae": float((found - mask).abs().mean()),
        "boundary": _boundary_f(a, b),
    }


def _boundary_f(a: Tensor, b: Tensor) -> float:
    height, width = a.shape[-2:]
    reach = max(1, round(0.0075 * (height**2 + width**2) ** 0.5))
    edges = [_edges(x.float()) for x in (a, b)]
    if not edges[0].any() and not edges[1].any():
        return 1.0
    near = [F.max_pool2d(edge, 2 * reach + 1, stride=1, padding=reach) for edge in edges]
    precision = float((edges[0] * near[1]).sum() / edges[0].sum().clamp_min(1))
    recall = float((edges[1] * near[0]).sum() / edges[1].sum().clamp_min(1))
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _edges(x: Tensor) -> Tensor:
    """Pixels of the mask that touch the outside."""
    return x - -F.max_pool2d(-x, 3, stride=1, padding=1)
