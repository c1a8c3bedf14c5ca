"""The rewritten convolutions compute what the plain ones do."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from impasto.execution.folding import fold_upsampling, pack_outputs


def test_upsampling_and_convolution_are_one() -> None:
    x, weight = torch.rand(1, 5, 6, 9), torch.randn(4, 5, 3, 3)
    plain = F.conv2d(F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), (1,) * 4, mode="reflect"), weight)
    folded = fold_upsampling(weight)
    phases = F.conv2d(F.pad(x, (1,) * 4, mode="replicate"), folded.weight)
    for a in range(2):
        for b in range(2):
            phase = phases[:, 4 * (2 * a + b) :][:, :4, a : a + 6, b : b + 9]
            torch.testing.assert_close(phase, plain[:, :, a::2, b::2], atol=1e-5, rtol=0)


@pytest.mark.parametrize("grow", [2, 4])
def test_packed_outputs_are_those_of_the_plain_convolution(grow: int) -> None:
    x, weight = torch.rand(1, 5, 16, 24), torch.randn(3, 5, 9, 9)
    padded = F.pad(x, (4,) * 4, mode="reflect")
    packed = F.conv2d(padded, pack_outputs(weight, grow).weight, stride=grow)
    torch.testing.assert_close(F.pixel_shuffle(packed, grow), F.conv2d(padded, weight), atol=1e-4, rtol=0)
