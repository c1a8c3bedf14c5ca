"""From a picture to the code of a style bank: Ghiasi et al. 2017 (https://arxiv.org/abs/1705.06830).

There a large classification network looked at the style. Here it is the small encoder of `impasto.nets.encoder`, and
what is looked at are the means and standard deviations of its maps (`impasto.nets.adain.describe_style`), which say of
a style what Huang and Belongie 2017 found to matter, whatever the size of the picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StylePredictor(nn.Module):
    """Three linear layers from a description to a code.

    Args:
        described: length of the description.
        code_length: length of the codes of the bank's body.
        hidden: width of the layers between.
    """

    described_mean: Tensor
    described_std: Tensor
    code_mean: Tensor
    code_std: Tensor

    def __init__(self, described: int, code_length: int, hidden: int = 512) -> None:
        super().__init__()
        self.hidden = hidden
        # What is usual: descriptions come in, and codes go out, in standard deviations from it.
        for name, length in (("described", described), ("code", code_length)):
            self.register_buffer(f"{name}_mean", torch.zeros(length))
            self.register_buffer(f"{name}_std", torch.ones(length))
        self.layers = nn.ModuleList([nn.Linear(described, hidden), nn.Linear(hidden, hidden)])
        self.to_code = nn.Linear(hidden, code_length)
        nn.init.zeros_(self.to_code.weight)
        nn.init.zeros_(self.to_code.bias)

    def forward(self, description: Tensor) -> Tensor:
        """(B, described) to (B, code_length), both float32."""
        x = ((description - self.described_mean) / self.described_std).clamp(-5, 5)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
        return self.code_mean + self.code_std * self.to_code(x)
