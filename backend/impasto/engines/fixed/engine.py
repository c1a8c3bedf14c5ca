"""The engine ``fixed``: trained feed-forward networks, one per bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.ladder import with_plans
from impasto.compute.plan import Plan
from impasto.engines.pictures import StylePicture, StyleReader
from impasto.execution.strips import Tick, pad_to
from impasto.execution.style_bank import FoldedStyleBank
from impasto.zoo.bank import load_body, load_codes, mix_codes
from impasto.zoo.library import Library
from impasto.zoo.predictor import find_predictor
from impasto.zoo.shelf import Shelf
from impasto_link.errors import BadRequest, ModelProblem
from impasto_link.options import StyleChoice


class FixedEngine:
    """Paints with the banks of a library on one device; keeps the networks it has used.

    Args:
        library: where the styles come from.
        device: where to compute.
        reader: looks at pictures as styles.
    """

    def __init__(self, library: Library, device: torch.device, reader: StyleReader | None = None) -> None:
        self.library = library
        self._reader = reader or StyleReader(device)
        self.device = device
        self.dtype = fast_dtype(device)
        self._bodies = Shelf()

    def loaded(self) -> list[str]:
        """Names of the banks whose networks are in memory."""
        return self._bodies.names()

    def unload(self) -> None:
        """Forget the networks; they are loaded again when they are needed."""
        self._bodies.clear()

    def paint(
        self,
        photo: Tensor,
        styles: Sequence[StyleChoice],
        tick: Tick,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
        pictures: Mapping[str, StylePicture] | None = None,
    ) -> Tensor:
        """Paint a picture.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], any size from 1 x 1.
            styles: what to paint like; mixed by weight if several.
            tick: told of the progress between strips.
            weights: how much each pixel counts in the statistics, (1, 1, H, W) in [0, 1]; all alike if not given.
            origin: row and column of the first pixel in a larger picture, whose grain it then has.
            pictures: those of the styles that are pictures, by name; the others are of the library.

        Returns:
            The painted picture, of the same shape and range, float32.

        Raises:
            UnknownStyle, ModelProblem: a style or its weights are not there.
            BadRequest: the styles belong to different networks and cannot be mixed.
            NotEnoughMemory: the picture does not fit.
        """
        net, code = self._prepare(styles, pictures or {}, tick)
        height, width = photo.shape[-2:]
        photo, weights = pad_to(net.min_size, photo, weights)

        def paint(plan: Plan) -> Tensor:
            return net.paint(photo, code, plan, tick, weights, origin)[..., :height, :width]

        return with_plans(self.device, height * width, _NUMBERS_KEEPING_ALL, _NUMBERS_AT_LEAST, self.dtype, paint)

    def _prepare(
        self, styles: Sequence[StyleChoice], pictures: Mapping[str, StylePicture], tick: Tick
    ) -> tuple[FoldedStyleBank, Tensor]:
        """The network that all of the styles belong to, and the code of their mixture."""
        used = [choice for choice in styles if choice.weight > 0]
        found = {choice.name: self.library.style(choice.name) for choice in used if choice.name not in pictures}
        bodies = {style.bank.body for style in found.values()}
        if len(bodies) > 1:
            banks = " and ".join(sorted({style.bank.name for style in found.values()}))
            raise BadRequest(f"Styles of the banks {banks} cannot be mixed.", "Mix styles of one bank.")
        predictor = None
        body = next(iter(bodies), None)
        if len(found) < len({choice.name for choice in used}):
            predictor, body = self._find_predictor(body)
        assert body is not None
        home = self.library.body_of(body)
        if home is None:
            raise ModelProblem(f"The styles belong to a network ({body}) that is not installed.")
        codes = []
        for choice in used:
            if choice.name in pictures:
                assert predictor is not None
                codes.append(self._reader.code(pictures[choice.name], predictor))
                tick(0.0)
                continue
            bank = found[choice.name].bank
            stored = load_codes(bank.weights)
            if choice.name not in stored:
                raise ModelProblem(f"The file {bank.weights} does not hold the style {choice.name!r} of its card.")
            codes.append(stored[choice.name])
        net = self._body(home.weights)
        if any(len(code) != net.code_length for code in codes):
            raise ModelProblem(f"The styles do not fit the network of the bank {home.name!r}.")
        return net, mix_codes(codes, [choice.weight for choice in used])

    def _find_predictor(self, body: str | None) -> tuple[Path, str]:
        predictor = find_predictor(self.library.folders, body)
        if predictor is not None:
            return predictor
        if body is None:
            raise ModelProblem(
                "The network that reads a picture as a style is not installed.", "Install Impasto again."
            )
        raise BadRequest(
            "A picture cannot be mixed with a style of this bank: it has no network that reads pictures.",
            "Mix it with the styles that come with Impasto.",
        )

    def _body(self, path: Path) -> FoldedStyleBank:
        return self._bodies.take(path.stem, [path], lambda: FoldedStyleBank(load_body(path), self.device, self.dtype))


#: Numbers of the computing dtype that live at the same time, per pixel, at the widest place of the network, with and
#: without its maps of full size: measured at 4096 x 4096 (docs/speed.md).
_NUMBERS_KEEPING_ALL, _NUMBERS_AT_LEAST = 66, 26
