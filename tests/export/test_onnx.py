"""Networks as ONNX files: whole, of any size, and right."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from impasto.export.check import psnr, sample
from impasto.export.run import export
from impasto.export.source import Source
from impasto.nets.portable import OneStyle, PortableStyleBank
from impasto.nets.style_bank import StyleBankNet


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 51), (301, 219), (258, 600)])
def test_a_bank_paints_pictures_of_any_size(
    bank: Path, net: StyleBankNet, codes: dict[str, torch.Tensor], height: int, width: int
) -> None:
    session = onnxruntime.InferenceSession(bank, providers=["CPUExecutionProvider"])
    picture = sample(height, width)
    for code in codes.values():
        painting = session.run(None, {"image": picture.numpy(), "code": code.numpy()})[0]
        with torch.inference_mode():
            assert psnr(torch.from_numpy(painting), net(picture, code)) > 90


def test_a_file_tells_what_it_is(bank: Path, net: StyleBankNet, codes: dict[str, torch.Tensor]) -> None:
    model = onnx.load(bank)
    told = {one.key: json.loads(one.value) for one in model.metadata_props}
    assert told["impasto.card"] == {"name": "small", "opset": model.opset_import[0].version}
    for style in told["impasto.styles"]:
        code = np.frombuffer(base64.b64decode(style["code"]), "<f2").astype(np.float32)
        assert np.abs(code - codes[style["name"]][0].numpy()).max() < 2e-3
    sizes = [[dim.dim_param or dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in model.graph.input]
    assert sizes == [[1, 3, "height", "width"], [1, net.code_length]]
    # The exporter notes where its code was, for itself.
    assert b".py" not in bank.read_bytes()


def test_a_style_is_baked_in(net: StyleBankNet, codes: dict[str, torch.Tensor], tmp_path: Path) -> None:
    source = Source("waves", OneStyle(PortableStyleBank(net), codes["waves"]), "painting", 8, {"name": "waves"})
    session = onnxruntime.InferenceSession(export(source, tmp_path / "waves.onnx", replace=False))
    assert [one.name for one in session.get_inputs()] == ["image"]
    picture = sample(50, 61)
    with torch.inference_mode():
        wanted = net(picture, codes["waves"])
    assert psnr(torch.from_numpy(session.run(None, {"image": picture.numpy()})[0]), wanted) > 90
