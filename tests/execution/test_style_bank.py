"""The promise of any size: however a picture is cut up, it comes out as if the whole had gone through at once."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.plan import BLOCK_PIXELS, Plan
from impasto.execution import moments
from impasto.execution.style_bank import FoldedStyleBank
from impasto.nets.style_bank import StyleBankNet

CPU = torch.device("cpu")
#: A plan for every picture, and one that cuts it into as many strips as there can be.
WHOLE, FINEST = Plan(1 << 40), Plan(0)


@pytest.fixture(scope="module")
def net() -> StyleBankNet:
    torch.manual_seed(0)
    return StyleBankNet(width=8, blocks=2).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def folded(net: StyleBankNet) -> FoldedStyleBank:
    return FoldedStyleBank(net, CPU, torch.float32)


def any_code(net: StyleBankNet, seed: int = 0) -> Tensor:
    """A code as trained ones are: some scales are negative, and here one is 0."""
    code = net.neutral_code()[None] + 0.7 * torch.randn(
        1, net.code_length, generator=torch.Generator().manual_seed(seed)
    )
    code[0, 1] = 0.0
    return code


def photo(height: int, width: int, seed: int = 0) -> Tensor:
    """Something smooth with something fine on it."""
    random = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(1, 3, 5, 5, generator=random), (height, width), mode="bicubic")
    return (coarse + 0.1 * torch.randn(1, 3, height, width, generator=random)).clamp(0, 1)


def furthest(one: Tensor, two: Tensor) -> float:
    """The largest difference in units of 1/255."""
    return float((one - two).abs().max()) * 255


@settings(deadline=None, max_examples=40)
@given(height=st.integers(8, 90), width=st.integers(8, 90), seed=st.integers(0, 100), keep_all=st.booleans())
def test_folded_is_plain(
    net: StyleBankNet, folded: FoldedStyleBank, height: int, width: int, seed: int, keep_all: bool
) -> None:
    picture, code = photo(height, width, seed), any_code(net, seed)
    painted = folded.paint(picture, code, Plan(keep_all=keep_all))
    assert painted.shape == picture.shape
    assert furthest(painted, net(picture, code)) < 0.05


@settings(deadline=None, max_examples=12)
@given(
    size=st.sampled_from([(2101, 64), (1500, 131), (75, 8203), (33, 20001), (4099, 33)]),
    blocks=st.integers(1, 5), keep_all=st.booleans(), double=st.booleans(),
)  # fmt: skip
def test_strips_are_the_whole(
    net: StyleBankNet, size: tuple[int, int], blocks: int, keep_all: bool, double: bool
) -> None:
    dtype = torch.float32 if double else fast_dtype(CPU)
    bank, picture, code = FoldedStyleBank(net, CPU, dtype), photo(*size), any_code(net)
    ticks: list[float] = []
    cut = bank.paint(picture, code, Plan(blocks * BLOCK_PIXELS, keep_all), ticks.append)
    assert furthest(cut, bank.paint(picture, code, WHOLE)) <= (0.01 if double else 1)
    if double:
        assert furthest(cut, net(picture, code)) < 0.05
    assert ticks == sorted(ticks)
    assert ticks[-1] == pytest.approx(1)


def test_without_float64_it_is_the_same(
    net: StyleBankNet, folded: FoldedStyleBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Apple's GPUs, whose numbers have 32 bits at most."""
    picture, code, area = photo(1500, 131), any_code(net), torch.zeros(1, 1, 1500, 131)
    area[:, :, 300:800] = 1
    for weights in (None, area):
        monkeypatch.setattr(moments, "has_float64", lambda device: True)
        usual = folded.paint(picture, code, WHOLE, weights=weights)
        monkeypatch.setattr(moments, "has_float64", lambda device: False)
        whole, cut = (folded.paint(picture, code, plan, weights=weights) for plan in (WHOLE, FINEST))
        assert furthest(whole, usual) < 0.01
        assert furthest(cut, whole) < 0.01


def test_statistics_are_of_the_area(net: StyleBankNet, folded: FoldedStyleBank) -> None:
    picture, code = photo(1200, 80), any_code(net)
    area = torch.zeros(1, 1, 1200, 80)
    area[:, :, :500] = 1
    soft = F.avg_pool2d(area, (41, 1), 1, padding=(20, 0))
    inside = folded.paint(picture, code, WHOLE, weights=soft)
    assert furthest(inside, folded.paint(picture, code, FINEST, weights=soft)) < 0.01
    # What is far from the area makes no difference to it ...
    other = picture.clone()
    other[:, :, 700:] = 0.9
    assert furthest(inside[:, :, :500], folded.paint(other, code, WHOLE, weights=soft)[:, :, :500]) < 0.01
    # ... though without weights it does.
    apart = folded.paint(picture, code)[:, :, :500] - folded.paint(other, code)[:, :, :500]
    assert float(apart.abs().max()) * 255 > 2


def test_weights_that_are_all_alike_are_none(net: StyleBankNet, folded: FoldedStyleBank) -> None:
    picture, code = photo(61, 47), any_code(net)
    plain = folded.paint(picture, code)
    for value in (0.0, 0.3, 1.0):
        weights = torch.full((1, 1, 61, 47), value)
        assert furthest(plain, folded.paint(picture, code, weights=weights)) < 0.01


def test_it_stops_within_a_strip(net: StyleBankNet, folded: FoldedStyleBank) -> None:
    calls = 0

    def stop(done: float) -> None:
        nonlocal calls
        calls += 1
        raise InterruptedError

    with pytest.raises(InterruptedError):
        folded.paint(photo(2100, 64), any_code(net), FINEST, stop)
    assert calls == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_is_bounded() -> None:
    """At its most sparing, strips are given back as they are used up: else a pixel took over 200 bytes in float32."""
    script = """
import json, psutil, re, torch
from pathlib import Path
from impasto.compute.plan import Plan
from impasto.execution.style_bank import FoldedStyleBank
from impasto.nets.style_bank import StyleBankNet
torch.manual_seed(0)
torch.set_num_threads(1)
net = StyleBankNet()
bank = FoldedStyleBank(net, torch.device("cpu"), torch.float32)
bank.paint(torch.rand(1, 3, 256, 64), net.neutral_code()[None])
picture = torch.rand(1, 3, 2048, 512)
before = psutil.Process().memory_info().rss
painted = bank.paint(picture, net.neutral_code()[None], Plan(0, keep_all=False))
peak = 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps((peak - before) / (2048 * 512)))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) < 150


def test_a_mean_far_from_zero_leaves_bfloat16_its_digits(net: StyleBankNet) -> None:
    """Training lets maps drift so, because the next normalisation takes every mean away again."""
    code = net.neutral_code()[None]
    # Behind the three layers of 8, 16 and 32 channels: the shifts of the first layer of the first block.
    first = 2 * (8 + 16 + 32)
    code[0, first + 32 : first + 64] = 40.0
    picture = photo(96, 96)
    exact = net(picture, code)
    apart = (FoldedStyleBank(net, CPU, torch.bfloat16).paint(picture, code) - exact).square().mean().sqrt()
    low = copy.deepcopy(net).bfloat16()
    assert float(apart) < float((low(picture.bfloat16(), code) - exact).square().mean().sqrt()) / 4


def test_a_picture_is_painted_by_the_statistics_that_it_is_given(net: StyleBankNet, folded: FoldedStyleBank) -> None:
    """Rows that are kept around 0 are so by what is of one picture alone: it must not come into what is given."""
    whole, code = photo(64, 96), any_code(net)
    seen: dict[int, moments.Statistics] = {}

    def remember(number: int, taken: moments.Statistics) -> moments.Statistics:
        seen[number] = taken
        return taken

    def give(number: int, taken: moments.Statistics) -> moments.Statistics:
        return moments.Statistics(*(values.clone() for values in seen[number]))

    wanted = folded.paint(whole, code, WHOLE, smoothing=remember)
    assert torch.equal(wanted, folded.paint(whole, code, WHOLE)), "its own change nothing"
    assert furthest(folded.paint(whole, code, FINEST, smoothing=give), wanted) < 0.05
    # What an area at the upper left is with the statistics of the whole, it is in the whole; but for its border.
    part = folded.paint(whole[..., :64], code, WHOLE, smoothing=give)[..., :8]
    assert furthest(part, wanted[..., :8]) < 0.05
    assert furthest(folded.paint(whole[..., :64], code, WHOLE)[..., :8], wanted[..., :8]) > 1
