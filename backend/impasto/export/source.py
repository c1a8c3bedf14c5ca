"""What can be exported, and the painting that a file of it is held to."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from impasto.engines.base import Studio, Wanted
from impasto.engines.fixed.engine import FixedEngine
from impasto.engines.pictures import StyleReader, as_style
from impasto.execution.style_bank import FoldedStyleBank
from impasto.nets.portable import OneStyle, PortableStyleBank, PortableSubject
from impasto.nets.style_bank import StyleBankNet
from impasto.nets.unet import SubjectNet
from impasto.progress import Progress, nobody
from impasto.zoo.bank import load_body, load_codes
from impasto.zoo.library import Bank, Library
from impasto.zoo.storage import read_card
from impasto.zoo.subject import load_subject_net, subject_model
from impasto_link import __version__
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest
from impasto_link.pixels import Region

#: What the network that finds the subject is called where a style could stand.
SUBJECT = "subject"


@dataclass(frozen=True)
class Source:
    """A network as it is exported.

    Attributes:
        name: what it is called in messages.
        net: takes ``image``, (1, 3, H, W) float32, sRGB in [0, 1], and what else is in ``inputs``.
        output: what it returns is called: ``painting``, (1, 3, H, W), or ``mask``, (1, 1, H, W).
        smallest: height and width that the image has at the least.
        card: what a file says of it, as JSON has it.
        codes: with a code as an input, the styles' codes by name, (1, code_length) each.
        styles: of those, what the card says of each.
    """

    name: str
    net: nn.Module
    output: str
    smallest: int
    card: Mapping[str, Any]
    codes: Mapping[str, Tensor] = field(default_factory=dict)
    styles: Sequence[Mapping[str, Any]] = ()

    def inputs(self, image: Tensor) -> dict[str, Tensor]:
        """All inputs for a picture: it, and the first code if there are codes, in the order of ``forward``."""
        code = next(iter(self.codes.values()), None)
        return {"image": image} if code is None else {"image": image, "code": code}

    def reference(self, image: Tensor) -> Tensor:
        """What Impasto makes of `inputs`, in float32."""
        net = self.net
        if isinstance(net, PortableSubject):
            with torch.inference_mode():
                return net(image)
        code = net.style if isinstance(net, OneStyle) else next(iter(self.codes.values()))
        return self._painter.paint(image, code)

    @cached_property
    def _painter(self) -> FoldedStyleBank:
        """The network as Impasto runs it, on the CPU in float32."""
        bank = self.net.net if isinstance(self.net, OneStyle) else self.net
        assert isinstance(bank, PortableStyleBank)
        assert isinstance(bank.net, StyleBankNet)
        return FoldedStyleBank(bank.net, torch.device("cpu"), torch.float32)

    def listed_styles(self) -> list[dict[str, Any]]:
        """The styles with their codes as text: base64 of float16, little-endian."""
        return [
            {**entry, "code": base64.b64encode(self.codes[entry["name"]].half().numpy().tobytes()).decode()}
            for entry in self.styles
        ]


def of_subject() -> Source:
    """The network that finds the subject."""
    path = subject_model()
    net: SubjectNet = load_subject_net(path)
    return Source(SUBJECT, PortableSubject(net).eval(), "mask", SubjectNet.stride, _card(read_card(path), SUBJECT))


def of_bank(bank: Bank, library: Library) -> Source:
    """The network of a bank with the code as an input, and the codes of all styles that belong to it.

    Raises:
        BadRequest: no bank has its network.
    """
    home = library.body_of(bank.body)
    if home is None:
        raise BadRequest(bank.homeless())
    codes, styles = {}, []
    for one in library.banks():
        if one.body != bank.body or one.is_kept_picture:
            continue
        stored = load_codes(one.weights)
        for entry in one.card["styles"]:
            codes[entry["name"]] = stored[entry["name"]].at()[None]
            styles.append({key: entry[key] for key in ("name", "title", "artist", "year") if key in entry})
    net = PortableStyleBank(load_body(home.weights)).eval()
    return Source(bank.name, net, "painting", StyleBankNet.min_size, _card(home.card, bank.name), codes, styles)


def of_styles(styles: Sequence[StyleChoice], pictures: Mapping[str, Region], library: Library) -> Source:
    """One style, or a mixture of some, for good: of the library, or what is read off pictures.

    Raises:
        ImpastoError: there is no such style, or they cannot be mixed.
    """
    device = torch.device("cpu")
    engine = FixedEngine(Studio(library, device, StyleReader(library, device)))
    read = {name: as_style(region, name) for name, region in pictures.items()}
    home, code = engine.code(Wanted(styles, read), Progress(nobody))
    net = OneStyle(PortableStyleBank(load_body(home.weights)), code).eval()
    mixed = [{"name": choice.name, "weight": choice.weight} for choice in styles if choice.weight > 0]
    name = " and ".join(str(entry["name"]) for entry in mixed)
    return Source(name, net, "painting", StyleBankNet.min_size, {**_card(home.card, name), "mixed": mixed})


def _card(card: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What of a model's card goes along."""
    kept = {key: card[key] for key in ("title", "licence", "body", "width", "blocks") if key in card}
    return {"name": name, **kept, "made_by": f"Impasto {__version__}"}
