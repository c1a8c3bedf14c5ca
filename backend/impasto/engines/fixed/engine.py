"""Painting with the network of a bank."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.ladder import with_plans
from impasto.compute.plan import Plan
from impasto.engines.base import Engine, Studio, Wanted
from impasto.engines.fixed import FACTS
from impasto.execution.style_bank import FoldedStyleBank
from impasto.progress import Progress
from impasto.zoo.bank import load_body, load_codes, mix_codes
from impasto.zoo.predictor import FoundPredictor, find_predictor
from impasto_link.errors import BadRequest, ModelProblem
from impasto_link.sentences import say


class FixedEngine(Engine):
    """Paints with the banks of a library; see `impasto.engines.base.Engine`."""

    facts = FACTS

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.dtype = fast_dtype(studio.device)

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

    def _prepare(self, wanted: Wanted, progress: Progress) -> tuple[FoldedStyleBank, Tensor]:
        """The network that all of the styles belong to, and the code of their mixture."""
        used, library = wanted.used(), self.studio.library
        pictures = {choice: picture for choice in used if (picture := wanted.picture(choice)) is not None}
        found = {choice: library.style(choice.name) for choice in used if choice not in pictures}
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
            raise ModelProblem(say("The styles belong to a network ({body}) that is not installed.", body=body))
        codes = []
        for choice in used:
            if choice in pictures:
                assert predictor is not None
                codes.append(self.studio.reader.code(pictures[choice], predictor.path))
                progress.look()
                continue
            bank = found[choice].bank
            stored = load_codes(bank.weights)
            if choice.name not in stored:
                raise ModelProblem(
                    say(
                        "The file {weights} does not hold the style {name} of its card.",
                        weights=bank.weights,
                        name=f"{choice.name!r}",
                    )
                )
            codes.append(stored[choice.name].at())
        net = self._body(home.weights)
        if any(len(code) != net.code_length for code in codes):
            raise ModelProblem(say("The styles do not fit the network of the bank {name}.", name=f"{home.name!r}"))
        return net, mix_codes(codes, [choice.weight for choice in used])

    def _find_predictor(self, body: str | None) -> FoundPredictor:
        predictor = find_predictor(self.studio.library.folders, body)
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
        return self.shelf.take(
            path.stem, [path], lambda: FoldedStyleBank(load_body(path), self.studio.device, self.dtype)
        )


#: Numbers of the computing dtype that live at the same time, per pixel, at the widest place of the network, with and
#: without its maps of full size: measured at 4096 x 4096 (docs/speed.md).
_NUMBERS_KEEPING_ALL, _NUMBERS_AT_LEAST = 66, 26
