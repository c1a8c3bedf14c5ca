"""The peers' networks as `make bench-look` has them, with random weights: the published ones are not shipped."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
from torch import nn

from peers import load_peers
from peers.adain import AdaIN, dequantized
from peers.magenta import resized
from peers.microast import MicroAST, ResidualBlock
from peers.wct import WCT, whitened_and_colored


def count(net: nn.Module) -> int:
    return sum(value.numel() for value in net.parameters())


@pytest.mark.parametrize(("net", "parameters"), [(MicroAST, 471_987), (WCT, 2_146_003), (AdaIN, 7_010_947)])
@torch.inference_mode()
def test_paintings_have_the_size_of_the_photo_and_networks_that_of_the_published_weights(
    net: type[nn.Module], parameters: int
) -> None:
    torch.manual_seed(0)
    painter = net().eval()
    assert count(painter) == parameters
    painting = painter(torch.rand(1, 3, 64, 96), torch.rand(1, 3, 80, 64))
    assert painting.shape == (1, 3, 64, 96)
    assert painting.isfinite().all()
    assert 0 <= painting.min() <= painting.max() <= 1


@torch.inference_mode()
def test_adain_gives_a_photo_with_its_own_statistics_back_as_its_decoder_does() -> None:
    torch.manual_seed(0)
    net, photo = AdaIN(), torch.rand(1, 3, 32, 32)
    assert torch.allclose(net(photo, photo), net.decode(net.encode(photo)), atol=1e-4)


def test_weights_of_8_bits_are_offset_then_scaled() -> None:
    weights = {
        "encoder.0.weight": torch.tensor([0, 100, 255], dtype=torch.uint8),
        "encoder.0.zero": torch.tensor([-100.0]),
        "encoder.0.scale": torch.tensor([0.5]),
        "encoder.0.bias": torch.tensor([3.0]),
    }
    found = dequantized(weights)
    assert set(found) == {"encoder.0.weight", "encoder.0.bias"}
    assert found["encoder.0.weight"].tolist() == [-50.0, 0.0, 77.5]


@torch.inference_mode()
def test_a_block_of_microast_is_a_plain_residual_one_until_a_style_says_otherwise() -> None:
    torch.manual_seed(0)
    block, x = ResidualBlock(), torch.rand(1, 64, 8, 8)
    inner = block.conv1(x).relu()
    assert torch.allclose(block(x), x + block.conv2(inner), atol=1e-6)
    scale, shift = torch.full((1, 64, 1, 1), 2.0), torch.full((1, 64, 1, 1), 0.5)
    inner = (2 * block.conv1(x) + 0.5 * x).relu()
    assert torch.allclose(block(x, scale, shift), x + 2 * block.conv2(inner) + 0.5 * inner, atol=1e-5)


def test_whitening_and_colouring_gives_the_styles_mean_and_covariance() -> None:
    torch.manual_seed(0)
    mixing = torch.randn(6, 6)
    x = torch.einsum("ij,bjhw->bihw", mixing, torch.rand(1, 6, 20, 20))
    style = torch.einsum("ij,bjhw->bihw", mixing.T, torch.randn(1, 6, 16, 24)) + 3
    painted = whitened_and_colored(x, style)
    assert painted.shape == x.shape
    assert torch.allclose(painted[0].flatten(1).mean(1), style[0].flatten(1).mean(1), atol=1e-3)
    assert torch.allclose(torch.cov(painted[0].flatten(1)), torch.cov(style[0].flatten(1)), rtol=1e-3, atol=1e-2)


def test_a_channel_that_is_always_the_same_is_not_whitened() -> None:
    x = torch.rand(1, 4, 8, 8)
    x[:, 2] = 0
    assert whitened_and_colored(x, torch.rand(1, 4, 8, 8)).isfinite().all()


def test_the_transfer_file_is_made_for_another_size_and_other_files_are_refused() -> None:
    def sizes(height: int, width: int) -> bytes:
        return struct.pack("<3i", 8, height, width)

    file = b"a" + sizes(192, 192) + b"b" + sizes(384, 384) + b"c" + sizes(384, 384) + b"d"
    assert resized(file, 512, 640) == b"a" + sizes(256, 320) + b"b" + sizes(512, 640) + b"c" + sizes(512, 640) + b"d"
    with pytest.raises(ValueError, match="as published"):
        resized(file + sizes(384, 384), 512, 640)


def test_peers_whose_weights_are_not_there_are_left_out_by_name(tmp_path: Path) -> None:
    peers, left_out = load_peers(tmp_path)
    assert peers == {}
    assert len(left_out) == 4
    assert "MicroAST is left out: the folder of the peers has no microast.safetensors." in left_out
