"""Published networks of other people, to be measured beside Impasto.

Each module is a network as its paper and the layout of its weights describe it, written for this benchmark. Weights do
not come with Impasto: `load_peers` looks for them in a folder, and leaves out whoever is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from peers.adain import AdaIN, dequantized
from peers.magenta import Magenta
from peers.microast import MicroAST
from peers.wct import WCT

#: From a photo and a style, each (1, 3, H, W) in [0, 1] with sides that are multiples of 16, to a painting as large as
#: the photo.
Painter = Callable[[Tensor, Tensor], Tensor]


def load_peers(folder: Path) -> tuple[dict[str, Painter], list[str]]:
    """The peers whose weights are in a folder, by name, and a sentence about each that is left out."""
    peers: dict[str, Painter] = {}
    left_out = []
    for name, (files, load) in _PEERS.items():
        paths = [folder / file for file in files]
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            left_out.append(f"{name} is left out: the folder of the peers has no {', '.join(missing)}.")
            continue
        try:
            peers[name] = load(*paths)
        except ImportError:
            left_out.append(f"{name} is left out: it needs ai-edge-litert (the extra `peers`), which is not installed.")
    return peers, left_out


def _filled(net: nn.Module, weights: dict[str, Tensor]) -> Painter:
    net.load_state_dict({name: value.to(torch.float32) for name, value in weights.items()})
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


#: By name: the files of the weights, and what makes a painter of them.
_PEERS: dict[str, tuple[tuple[str, ...], Callable[..., Painter]]] = {
    "MicroAST": (("microast.safetensors",), lambda path: _filled(MicroAST(), load_file(path))),
    "AdaIN on VGG": (("adain_q8.safetensors",), lambda path: _filled(AdaIN(), dequantized(load_file(path)))),
    "Magenta int8": (("magenta_int8_prediction.tflite", "magenta_int8_transfer.tflite"), Magenta),
    "WCT 16x": (("wct16x.safetensors",), lambda path: _filled(WCT(), load_file(path))),
}
