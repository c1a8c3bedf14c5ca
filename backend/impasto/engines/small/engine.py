"""Painting with the student of a bank's network."""

from __future__ import annotations

from impasto.engines.base import Wanted
from impasto.engines.by_code import EngineByCode, Gathered
from impasto.engines.small import FACTS
from impasto.zoo.library import Style
from impasto.zoo.student import Student, find_student, load_student_codes
from impasto_link.errors import BadRequest, quoted
from impasto_link.sentences import say


class SmallEngine(EngineByCode):
    """Paints with students; see `impasto.engines.base.Engine`.

    A student has the styles that there were when it learned.
    """

    facts = FACTS

    def gather(self, wanted: Wanted) -> Gathered:
        """See `EngineByCode`."""
        library = self.studio.library
        styles = [library.style(choice.name) for choice in wanted.used()]
        students = {student.path: student for student in map(self._student_of, styles)}
        if len(students) > 1:
            banks = " and ".join(sorted({style.bank.name for style in styles}))
            raise BadRequest(
                say("Styles of the banks {banks} cannot be mixed.", banks=banks), "Mix styles of one bank."
            )
        (student,) = students.values()
        sources = [
            self.stored(style.name, student.grids[style.name], student.path, load_student_codes) for style in styles
        ]
        return Gathered(student.name, student.path, student.card, sources)

    def _student_of(self, style: Style) -> Student:
        student = find_student(self.studio.library.folders, style.bank.body)
        if student is None or style.name not in student.grids:
            raise BadRequest(
                say("The small network does not have the style {name}.", name=quoted(style.name)),
                "Use the engine fixed for it.",
            )
        return student
