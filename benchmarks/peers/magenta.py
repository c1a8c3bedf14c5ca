"""Magenta's arbitrary image stylization, as the published files of 8 bits for LiteRT.

Ghiasi et al. 2017, "Exploring the structure of a real-time, arbitrary neural artistic stylization network"
(https://arxiv.org/abs/1705.06830).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

#: The sides that the published files are made for.
_STYLE_SIDE, _PHOTO_SIDE = 256, 384


class Magenta:
    """Paints a photo like a style in one pass, on one thread. Sides have to be multiples of 4.

    Raises:
        ImportError: ai-edge-litert is not installed.
        FileNotFoundError: a file is not there.
    """

    def __init__(self, prediction: Path, transfer: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._open = lambda content: Interpreter(model_content=content, num_threads=1)
        self._predict = self._open(prediction.read_bytes())
        self._predict.allocate_tensors()
        self._file = transfer.read_bytes()
        self._transfers: dict[tuple[int, int], Interpreter] = {}

    def __call__(self, photo: Tensor, style: Tensor) -> Tensor:
        """A painting of the photo's size; all (1, 3, H, W) in [0, 1]."""
        small = F.interpolate(style, (_STYLE_SIDE, _STYLE_SIDE), mode="bilinear", antialias=True)
        (given,) = self._predict.get_input_details()
        self._predict.set_tensor(given["index"], _to_rows(small))
        self._predict.invoke()
        code = self._predict.get_tensor(self._predict.get_output_details()[0]["index"])
        transfer = self._transfer(photo.shape[-2], photo.shape[-1])
        for given in transfer.get_input_details():
            transfer.set_tensor(given["index"], code if given["shape"][-1] == code.shape[-1] else _to_rows(photo))
        transfer.invoke()
        painted = torch.from_numpy(transfer.get_tensor(transfer.get_output_details()[0]["index"]))
        return painted.permute(0, 3, 1, 2).clamp(0, 1)

    def _transfer(self, height: int, width: int) -> Interpreter:
        if (height, width) not in self._transfers:
            interpreter = self._open(resized(self._file, height, width))
            for given in interpreter.get_input_details():
                if given["shape"][-1] == 3:
                    interpreter.resize_tensor_input(given["index"], [1, height, width, 3])
            interpreter.allocate_tensors()
            self._transfers[height, width] = interpreter
        return self._transfers[height, width]


def _to_rows(picture: Tensor) -> object:
    return picture.permute(0, 2, 3, 1).contiguous().numpy()


def resized(file: bytes, height: int, width: int) -> bytes:
    """The transfer network for photos of another size: its file has the sizes after each enlarging as constants.

    Raises:
        ValueError: the constants are not where the published file has them.
    """
    for shrunk, count in ((2, 1), (1, 2)):
        # A buffer: its length in bytes, then the two numbers.
        was = struct.pack("<3i", 8, *[_PHOTO_SIDE // shrunk] * 2)
        if file.count(was) != count:
            raise ValueError(
                "The transfer network is not Magenta's file as published: its sizes are not where they were."
            )
        file = file.replace(was, struct.pack("<3i", 8, height // shrunk, width // shrunk))
    return file
