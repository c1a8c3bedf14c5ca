"""What the server says is English; a plugin has it in its user's language where its catalogue knows the sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: A name in quotes; or a number that is not a part of a word, such as the 19 of VGG-19 is.
_VALUES = re.compile(r"'[^']*'|(?<![\w-])\d+(?:\.\d+)?(?!\w)")


def translate(sentence: str, catalogue: Mapping[str, str]) -> str:
    """A sentence of the server's by a catalogue of texts: its numbers stay, its names in quotes, too.

    The catalogue has such sentences with ``{1}``, ``{2}`` in their places. What it has not stays as it is.
    """
    values: list[str] = []

    def note(found: re.Match[str]) -> str:
        values.append(found.group())
        return f"{{{len(values)}}}"

    pattern = _VALUES.sub(note, sentence)
    known = catalogue.get(sentence) or catalogue.get(pattern)
    return known.format("", *values) if known is not None else sentence
