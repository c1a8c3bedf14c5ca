"""What engines share whose network paints like a code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.ladder import with_plans
from impasto.compute.plan import Plan
from impasto.engines.base import Engine, Reach, Studio, Wanted
from impasto.execution.moments import Smoothing
from impasto.execution.style_bank import FoldedStyleBank
from impasto.progress import Progress
from impasto.zoo.bank import StyleCodes, load_body, mix_codes
from impasto.zoo.grid import CodeGrid
from impasto.zoo.storage import Card
from impasto_link.errors import ModelProblem, quoted
from impasto_link.sentences import say


class Source(Protocol):
    """Where the code of a style comes from."""

    grid: CodeGrid
    """For which strokes and strengths there are codes."""

    def code(self, brush: float, strength: float) -> Tensor:
        """That for a size of strokes and a strength, (code_length,)."""


class Stored:
    """A style whose codes are in a file.

    Args:
        name: of the style.
        grid: where its codes stand.
        weights: the file.
        load: gives all codes that are in it.
    """

    def __init__(self, name: str, grid: CodeGrid, weights: Path, load: Callable[[], Mapping[str, StyleCodes]]) -> None:
        self.grid = grid
        self._name, self._weights, self._load = name, weights, load

    def code(self, brush: float, strength: float) -> Tensor:
        """See `Source`."""
        stored = self._load()
        if self._name not in stored:
            raise ModelProblem(
                say(
                    "The file {weights} does not hold the style {name} of its card.",
                    weights=self._weights,
                    name=quoted(self._name),
                )
            )
        return stored[self._name].at(brush, strength)


class Gathered(NamedTuple):
    """What a mixture is painted with.

    Attributes:
        name: what a person calls the network.
        weights: its file.
        card: what is told of it.
        sources: of the styles that count, in their order.
    """

    name: str
    weights: Path
    card: Card
    sources: Sequence[Source]


class EngineByCode(Engine):
    """Paints with networks of the kind of `impasto.nets.style_bank`; see `impasto.engines.base.Engine`.

    Which network, and whence the codes, its subclasses say.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.dtype = fast_dtype(studio.device)

    def gather(self, wanted: Wanted) -> Gathered:
        """The network that all of the styles belong to, and where their codes come from.

        Raises:
            ImpastoError: a style is not there, or they do not go together.
        """
        raise NotImplementedError

    def reach(self, wanted: Wanted) -> Reach:
        """See `Engine`: what lies between the codes that each of the styles has."""
        grids = [source.grid for source in self.gather(wanted).sources]
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
        smoothing: Smoothing | None = None,
    ) -> Tensor:
        """See `Engine`; a picture that begins at ``origin`` has the grain that the larger one has there."""
        gathered = self.gather(wanted)
        code = self.mixed(gathered, wanted, progress)
        net = self._body(gathered.weights)
        if code.shape[1] != net.code_length:
            raise ModelProblem(say("The styles do not fit the network of the bank {name}.", name=quoted(gathered.name)))
        height, width = photo.shape[-2:]

        def paint(plan: Plan) -> Tensor:
            return net.paint(photo, code, plan, progress, weights, origin, smoothing)

        return with_plans(
            self.studio.device, height * width, _NUMBERS_KEEPING_ALL, _NUMBERS_AT_LEAST, self.dtype, paint
        )

    def mixed(self, gathered: Gathered, wanted: Wanted, progress: Progress) -> Tensor:
        """The code of the mixture, (1, code_length)."""
        codes = []
        for source in gathered.sources:
            codes.append(source.code(wanted.brush, wanted.strength))
            progress.look()
        return mix_codes(codes, [choice.weight for choice in wanted.used()])

    def stored(
        self, name: str, grid: CodeGrid, weights: Path, load: Callable[[Path], Mapping[str, StyleCodes]]
    ) -> Stored:
        """A style in a file that ``load`` reads, and not again before it has changed."""
        files = [weights, weights.with_suffix(".json")]
        return Stored(
            name, grid, weights, lambda: self.shelf.take(weights.stem, files, lambda: load(weights), key="codes")
        )

    def _body(self, path: Path) -> FoldedStyleBank:
        return self.shelf.take(
            path.stem, [path], lambda: FoldedStyleBank(load_body(path), self.studio.device, self.dtype)
        )


#: Numbers of the computing dtype that live at the same time, per pixel, at the widest place of the network, with and
#: without its maps of full size: measured at 4096 x 4096 (docs/speed.md). A student takes less.
_NUMBERS_KEEPING_ALL, _NUMBERS_AT_LEAST = 66, 26
