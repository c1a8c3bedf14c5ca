"""Painting with the network of a bank."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from impasto.engines.base import Wanted, example_of
from impasto.engines.by_code import EngineByCode, Gathered, Source
from impasto.engines.fixed import FACTS
from impasto.engines.pictures import StylePicture, StyleReader
from impasto.zoo.bank import code_between, load_codes
from impasto.zoo.grid import CodeGrid
from impasto.zoo.predictor import FoundPredictor, find_predictor
from impasto_link.errors import BadRequest, ModelProblem
from impasto_link.sentences import say


class FixedEngine(EngineByCode):
    """Paints with the banks of a library; see `impasto.engines.base.Engine`."""

    facts = FACTS

    def gather(self, wanted: Wanted) -> Gathered:
        """See `EngineByCode`: the bank whose network all of the styles belong to, and codes of banks and predictor."""
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
        sources: list[Source] = []
        for choice in used:
            if choice in pictures:
                assert predictor is not None
                sources.append(_Seen(pictures[choice], home.grid.strokes, predictor, self.studio.reader))
            else:
                bank = found[choice].bank
                sources.append(self.stored(choice.name, bank.grid, bank.weights, load_codes))
        return Gathered(home.name, home.weights, home.card, sources)

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


def _no_reader() -> ModelProblem:
    return ModelProblem("The network that reads a picture as a style is not installed.", "Install Impasto again.")


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
