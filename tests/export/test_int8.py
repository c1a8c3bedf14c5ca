"""Networks in 8 bits: which convolutions are, and how near to Impasto's own painting they stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from PIL import Image

from impasto.cli import main
from impasto.export import int8
from impasto.export.check import compare, psnr, sample
from impasto.export.int8 import in_8_bits
from impasto.export.onnx import open_file
from impasto.export.run import export
from impasto.export.source import Source, of_subject
from impasto.nets.portable import OneStyle, PortableStyleBank
from impasto.nets.style_bank import StyleBankNet
from impasto_link.errors import BadRequest, ImpastoError


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for height, width in ((90, 120), (100, 70)):
        pixels = (sample(height, width)[0].permute(1, 2, 0) * 255).byte().numpy()
        Image.fromarray(pixels).save(folder / f"{height}.png")
    return folder


@pytest.fixture(scope="module", autouse=True)
def small_photos() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8, "_SIDE", 96)
        yield


@pytest.fixture(scope="module")
def rounded(net: StyleBankNet, codes: dict[str, torch.Tensor], photos: Path) -> Source:
    source = Source("waves", OneStyle(PortableStyleBank(net), codes["waves"]), "painting", 8, {"name": "waves"})
    return in_8_bits(source, photos)


@pytest.fixture(scope="module")
def file(rounded: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(rounded, tmp_path_factory.mktemp("rounded") / "waves.onnx", replace=False)


def test_pairs_are_around_the_inner_convolutions(file: Path, net: StyleBankNet) -> None:
    graph = onnx.load(file).graph
    numbers = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    made = {name: node for node in graph.node for name in node.output}
    read = {name: node for node in graph.node for name in node.input}
    rounded = [conv for conv in graph.node if conv.op_type == "Conv" and conv.input[1] not in numbers]
    of_maps = [conv for conv in rounded if made[conv.input[0]].op_type == "DequantizeLinear"]
    # The first block and the first on the way up have their weights in 8 bits only.
    assert (len(rounded), len(of_maps)) == (2 * net.blocks + 2, 2 * net.blocks - 1)
    for conv in rounded:
        levels, steps = (numbers[name] for name in made[conv.input[1]].input[:2])
        assert levels.dtype == np.int8
        assert steps.shape == levels.shape[:1]
        assert np.abs(levels).max() == 127
    for conv in of_maps:
        assert numbers[made[conv.input[0]].input[2]].dtype == np.uint8
        assert read[conv.output[0]].op_type == "QuantizeLinear"
    floats = [
        numbers[name].shape for node in graph.node if node.op_type == "Conv" for name in node.input if name in numbers
    ]
    for shape in ((4, 6, 9, 9), (8, 4, 3, 3), (16, 8, 3, 3), (3, 4, 9, 9)):
        assert shape in floats


@pytest.mark.parametrize(("height", "width"), [(64, 64), (77, 131)])
def test_it_paints_nearly_what_impasto_paints(
    file: Path, rounded: Source, net: StyleBankNet, codes: dict[str, torch.Tensor], height: int, width: int
) -> None:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    picture = sample(height, width)
    painting = torch.from_numpy(session.run(None, {"image": picture.numpy()})[0])
    with torch.inference_mode():
        assert 38 < psnr(painting, net(picture, codes["waves"])) < 70
        # What the steps cost was reckoned with; the runtime adds little.
        assert psnr(painting, rounded.net(picture)) > 55


def test_there_is_room_for_what_no_photo_had(
    rounded: Source, net: StyleBankNet, codes: dict[str, torch.Tensor]
) -> None:
    thing_on_white = torch.ones(1, 3, 96, 96)
    thing_on_white[..., 30:60, 40:60] = 0.05
    with torch.inference_mode():
        assert psnr(rounded.net(thing_on_white), net(thing_on_white, codes["waves"])) > 48


def test_a_bank_has_steps_for_all_of_its_styles(
    net: StyleBankNet, codes: dict[str, torch.Tensor], photos: Path
) -> None:
    bank = in_8_bits(Source("small", PortableStyleBank(net), "painting", 8, {"name": "small"}, codes), photos)
    picture = sample(50, 61)
    with torch.inference_mode():
        for code in codes.values():
            assert psnr(bank.net(picture, code), net(picture, code)) > 36


def test_it_is_refused_below_the_floor_of_its_own(rounded: Source, file: Path) -> None:
    assert rounded.floor < Source.floor
    with pytest.raises(
        ImpastoError, match=r"paints otherwise than Impasto: \d\d dB at 256 x 256, and 99 are the least"
    ):
        list(compare(replace(rounded, floor=99), open_file(file)))


def test_what_cannot_be_is_said(
    net: StyleBankNet,
    rounded: Source,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = replace(rounded, net=OneStyle(PortableStyleBank(net), net.neutral_code()[None]))
    with pytest.raises(BadRequest, match="There are no photos in"):
        in_8_bits(source, tmp_path)
    with pytest.raises(BadRequest, match="There is no folder"):
        in_8_bits(source, tmp_path / "none")
    with pytest.raises(BadRequest, match="'subject' has no form in 8 bits"):
        in_8_bits(of_subject(), photos)
    assert main(["export", "udnie", "-o", str(tmp_path / "udnie.pt2"), "--int8", str(photos)]) != 0
    assert "torch.export is not written in 8 bits" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
