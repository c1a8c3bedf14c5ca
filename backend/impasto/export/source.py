"""What can be exported, and the painting that a file of it is held to."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
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
from impasto.zoo.bank import StyleCodes, load_body, load_codes, mix_codes
from impasto.zoo.library import Bank, Library
from impasto.zoo.storage import Card, read_card
from impasto.zoo.student import Student, load_student_codes
from impasto.zoo.subject import load_subject_net, subject_model
from impasto_link import __version__
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest, UnknownStyle, quoted
from impasto_link.pixels import Region

#: A file whose painting is farther from Impasto's than this is no file of that style, in decibels.
FLOOR = 45.0

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
        floor: how near a file has to come to `reference`, in decibels.
    """

    name: str
    net: nn.Module
    output: str
    smallest: int
    card: Mapping[str, Any]
    codes: Mapping[str, Tensor] = field(default_factory=dict)
    styles: Sequence[Mapping[str, Any]] = ()
    floor: float = FLOOR

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

    def told(self, **more: object) -> dict[str, str]:
        """What a file says of itself: ``impasto.card`` and, with codes, ``impasto.styles``, both JSON."""
        told: dict[str, object] = {"impasto.card": {**self.card, **more}}
        if self.styles:
            told["impasto.styles"] = self.listed_styles()
        return {key: json.dumps(value, ensure_ascii=False) for key, value in told.items()}

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
    codes: dict[str, StyleCodes] = {}
    styles: list[Mapping[str, Any]] = []
    for one in library.banks():
        if one.body == bank.body and not one.is_kept_picture:
            codes |= load_codes(one.weights)
            styles += one.card["styles"]
    return _with_codes(bank.name, home.weights, home.card, codes, styles)


def of_student(student: Student, choices: Sequence[StyleChoice] = ()) -> Source:
    """A student: with the code as an input, or with a mixture of some of its styles for good.

    Raises:
        UnknownStyle: it has no such style.
        ModelProblem: its file is damaged.
    """
    codes = load_student_codes(student.path)
    source = _with_codes(student.name, student.path, student.card, codes, student.card["styles"])
    used = [choice for choice in choices if choice.weight > 0]
    if not used:
        return source
    for choice in used:
        if choice.name not in codes:
            raise UnknownStyle(f"{student.name} has no style {quoted(choice.name)}.", f"It has {', '.join(codes)}.")
    code = mix_codes([codes[choice.name].at() for choice in used], [choice.weight for choice in used])
    return _baked(student.path, student.card, code, used)


def of_styles(styles: Sequence[StyleChoice], pictures: Mapping[str, Region], library: Library) -> Source:
    """One style, or a mixture of some, for good: of the library, or what is read off pictures.

    Raises:
        ImpastoError: there is no such style, or they cannot be mixed.
    """
    device = torch.device("cpu")
    engine = FixedEngine(Studio(library, device, StyleReader(library, device)))
    read = {name: as_style(region, name) for name, region in pictures.items()}
    wanted = Wanted(styles, read)
    gathered = engine.gather(wanted)
    code = engine.mixed(gathered, wanted, Progress(nobody))
    return _baked(gathered.weights, gathered.card, code, [choice for choice in styles if choice.weight > 0])


def _with_codes(
    name: str, path: Path, card: Card, codes: Mapping[str, StyleCodes], styles: Sequence[Mapping[str, Any]]
) -> Source:
    """A network with the code as an input."""
    told = [{key: entry[key] for key in ("name", "title", "artist", "year") if key in entry} for entry in styles]
    usual = {str(entry["name"]): codes[entry["name"]].at()[None] for entry in told}
    net = PortableStyleBank(load_body(path)).eval()
    return Source(name, net, "painting", StyleBankNet.min_size, _card(card, name), usual, told)


def _baked(path: Path, card: Card, code: Tensor, mixed: Sequence[StyleChoice]) -> Source:
    """A network with one code for good."""
    name = " and ".join(choice.name for choice in mixed)
    told = {**_card(card, name), "mixed": [{"name": choice.name, "weight": choice.weight} for choice in mixed]}
    net = OneStyle(PortableStyleBank(load_body(path)), code).eval()
    return Source(name, net, "painting", StyleBankNet.min_size, told)


def _card(card: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What of a model's card goes along."""
    kept = {key: card[key] for key in ("title", "licence", "body", "student_of", "width", "blocks") if key in card}
    return {"name": name, **kept, "made_by": f"Impasto {__version__}"}
