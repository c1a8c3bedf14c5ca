"""Painting with the network of a bank."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.ladder import with_plans
from impasto.compute.plan import Plan
from impasto.engines.base import Engine, Reach, Studio, Wanted, example_of
from impasto.engines.fixed import FACTS
from impasto.engines.pictures import StylePicture, StyleReader
from impasto.execution.style_bank import FoldedStyleBank
from impasto.progress import Progress
from impasto.zoo.bank import code_between, load_body, load_codes, mix_codes
from impasto.zoo.grid import CodeGrid
from impasto.zoo.library import Bank, Style
from impasto.zoo.predictor import FoundPredictor, find_predictor
from impasto_link.errors import BadRequest, ModelProblem
from impasto_link.sentences import say


class FixedEngine(Engine):
    """Paints with the banks of a library; see `impasto.engines.base.Engine`."""

    facts = FACTS

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.dtype = fast_dtype(studio.device)

    def reach(self, wanted: Wanted) -> Reach:
        """See `Engine`: what lies between the codes that each of the styles has."""
        grids = [source.grid for source in self._gather(wanted).sources]
        return Reach(
            max(grid.strokes[0] for grid in grids),
            min(grid.strokes[-1] for grid in grids),
            max(grid.strengths[0] for grid in grids),
        )

    def paint(
        self,
        photo: Tensor,
        wanted: Wanted,
        progress: Progress,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """See `Engine`; a picture that begins at ``origin`` has the grain that the larger one has there."""
        net, code = self._prepare(wanted, progress)
        height, width = photo.shape[-2:]

        def paint(plan: Plan) -> Tensor:
            return net.paint(photo, code, plan, progress, weights, origin)

        return with_plans(
            self.studio.device, height * width, _NUMBERS_KEEPING_ALL, _NUMBERS_AT_LEAST, self.dtype, paint
        )

    def code(self, wanted: Wanted, progress: Progress) -> tuple[Bank, Tensor]:
        """The bank whose network all of the styles belong to, and the code of their mixture, (1, code_length)."""
        home, sources = self._gather(wanted)
        codes = []
        for source in sources:
            codes.append(source.code(wanted.brush, wanted.strength))
            progress.look()
        return home, mix_codes(codes, [choice.weight for choice in wanted.used()])

    def _prepare(self, wanted: Wanted, progress: Progress) -> tuple[FoldedStyleBank, Tensor]:
        home, code = self.code(wanted, progress)
        net = self._body(home.weights)
        if code.shape[1] != net.code_length:
            raise ModelProblem(say("The styles do not fit the network of the bank {name}.", name=f"{home.name!r}"))
        return net, code

    def _gather(self, wanted: Wanted) -> _Gathered:
        """The bank with the network that all of the styles belong to, and where their codes come from."""
        used, library = wanted.used(), self.studio.library
        pictures, found = {}, {}
        for choice in used:
            picture = wanted.picture(choice)
            if picture is None:
                style = library.style(choice.name)
                if style.kept_picture is None or library.body_of(style.bank.body) is not None:
                    found[choice] = style
                    continue
                # Its code is for a network of before, so it is read anew.
                picture = example_of(style)
            pictures[choice] = picture
        bodies = {style.bank.body for style in found.values()}
        if len(bodies) > 1:
            banks = " and ".join(sorted({style.bank.name for style in found.values()}))
            raise BadRequest(
                say("Styles of the banks {banks} cannot be mixed.", banks=banks), "Mix styles of one bank."
            )
        predictor = None
        body = next(iter(bodies), None)
        if pictures:
            predictor = self._find_predictor(body)
            body = predictor.body
        assert body is not None
        home = library.body_of(body)
        if home is None:
            raise ModelProblem(next(iter(found.values())).bank.homeless()) if found else _no_reader()
        sources: list[_Stored | _Seen] = []
        for choice in used:
            if choice in pictures:
                assert predictor is not None
                sources.append(_Seen(pictures[choice], home.grid.strokes, predictor, self.studio.reader))
            else:
                sources.append(_Stored(found[choice]))
        return _Gathered(home, sources)

    def _find_predictor(self, body: str | None) -> FoundPredictor:
        predictor = find_predictor(self.studio.library.folders, body)
        if predictor is not None:
            return predictor
        if body is None:
            raise _no_reader()
        raise BadRequest(
            "A picture cannot be mixed with a style of this bank: it has no network that reads pictures.",
            "Mix it with the styles that come with Impasto.",
        )

    def _body(self, path: Path) -> FoldedStyleBank:
        return self.shelf.take(
            path.stem, [path], lambda: FoldedStyleBank(load_body(path), self.studio.device, self.dtype)
        )


def _no_reader() -> ModelProblem:
    return ModelProblem("The network that reads a picture as a style is not installed.", "Install Impasto again.")


class _Gathered(NamedTuple):
    home: Bank
    sources: list[_Stored | _Seen]
    """Of the styles that count, in their order."""


class _Stored:
    """A style of the library."""

    def __init__(self, style: Style) -> None:
        self._style, self.grid = style, style.bank.grid

    def code(self, brush: float, strength: float) -> Tensor:
        weights = self._style.bank.weights
        stored = load_codes(weights)
        if self._style.name not in stored:
            raise ModelProblem(
                say(
                    "The file {weights} does not hold the style {name} of its card.",
                    weights=weights,
                    name=f"{self._style.name!r}",
                )
            )
        return stored[self._style.name].at(brush, strength)


class _Seen:
    """A picture, read as a style with strokes as its bank's styles have them."""

    def __init__(
        self, picture: StylePicture, strokes: Sequence[float], predictor: FoundPredictor, reader: StyleReader
    ) -> None:
        self.grid = CodeGrid(picture.strokes(strokes), predictor.strengths)
        self._picture, self._predictor, self._reader = picture, predictor.path, reader

    def code(self, brush: float, strength: float) -> Tensor:
        sizes, strengths = self.grid

        def read(row: int, column: int) -> Tensor:
            return self._reader.code(self._picture, self._predictor, sizes[row], strengths[column])

        return code_between(self.grid, brush, strength, read)


#: Numbers of the computing dtype that live at the same time, per pixel, at the widest place of the network, with and
#: without its maps of full size: measured at 4096 x 4096 (docs/speed.md).
_NUMBERS_KEEPING_ALL, _NUMBERS_AT_LEAST = 66, 26
