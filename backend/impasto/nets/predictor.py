"""From a picture to the code of a style bank: Ghiasi et al. 2017 (https://arxiv.org/abs/1705.06830).

There a large classification network looked at the style. Here it is the small encoder of `impasto.nets.encoder`, and
what is looked at are the means and standard deviations of its maps (`impasto.nets.adain.describe_style`), which say of
a style what Huang and Belongie 2017 found to matter, whatever the size of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StylePredictor(nn.Module):
    """Three linear layers from a description to a code.

    Args:
        described: length of the description.
        code_length: length of the codes of the bank's body.
        hidden: width of the layers between.
        strengths: of the paintings, from gentle to full. With more than one it is told which of them is wanted.
    """

    described_mean: Tensor
    described_std: Tensor
    code_mean: Tensor
    code_std: Tensor

    def __init__(
        self, described: int, code_length: int, hidden: int = 512, strengths: Sequence[float] = (1.0,)
    ) -> None:
        super().__init__()
        self.hidden, self.strengths = hidden, tuple(strengths)
        # What is usual: descriptions come in, and codes go out, in standard deviations from it.
        for name, length in (("described", described), ("code", code_length)):
            self.register_buffer(f"{name}_mean", torch.zeros(length))
            self.register_buffer(f"{name}_std", torch.ones(length))
        self.layers = nn.ModuleList([nn.Linear(described, hidden), nn.Linear(hidden, hidden)])
        if len(self.strengths) > 1:
            # A column of the first layer, apart from it: one that was not told goes on with the weights that it has.
            self.of_strength = nn.Linear(1, hidden, bias=False)
            nn.init.zeros_(self.of_strength.weight)
        self.to_code = nn.Linear(hidden, code_length)
        nn.init.zeros_(self.to_code.weight)
        nn.init.zeros_(self.to_code.bias)

    def with_strengths(self, strengths: Sequence[float]) -> StylePredictor:
        """The same for these strengths, with weights of its own; at first it gives the same codes for all of them."""
        net = StylePredictor(len(self.described_mean), len(self.code_mean), self.hidden, strengths)
        net.load_state_dict(self.state_dict(), strict=(len(self.strengths) > 1) == (len(strengths) > 1))
        return net

    def forward(self, description: Tensor, strength: Tensor | None = None) -> Tensor:
        """Give codes.

        Args:
            description: (B, described) float32.
            strength: (B,) from 0, the gentlest of ``strengths``, to 1, full; full if not given.

        Returns:
            (B, code_length) float32.

        Raises:
            ValueError: a strength is given, but it has learned a single one.
        """
        x = self.layers[0](((description - self.described_mean) / self.described_std).clamp(-5, 5))
        if len(self.strengths) > 1:
            told = torch.ones_like(x[:, :1]) if strength is None else 2 * strength[:, None].to(x) - 1
            x = x + self.of_strength(told)
        elif strength is not None:
            raise ValueError("this predictor has learned a single strength")
        x = F.leaky_relu(x, 0.1)
        for layer in self.layers[1:]:
            x = F.leaky_relu(layer(x), 0.1)
        return self.code_mean + self.code_std * self.to_code(x)
