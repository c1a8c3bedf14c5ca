"""Sentences for people: English, with what is filled in apart, so that editors can say them in other languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Sentence(str):
    """An English sentence in which something is filled in.

    It is a text like any other, so whoever knows nothing of languages prints it. Its code, by which catalogues have it,
    is the English with the names of the values in their places, as in gettext; the code of a sentence in which nothing
    is filled in is the sentence itself.

    Attributes:
        code: by which catalogues have it.
        values: what is filled in, by name.
    """

    code: str
    values: dict[str, str]

    def __new__(cls, text: str, code: str, values: dict[str, str]) -> Sentence:
        """A sentence of which all is known; see `say`."""
        made = super().__new__(cls, text)
        made.code, made.values = code, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """An error may go from one process to another."""
        return Sentence, (str(self), self.code, self.values)


def say(code: str, **values: object) -> Sentence:
    """A sentence.

    Args:
        code: the English, with the names of values in braces.
        values: what is filled in. There may be more than the English needs, for languages that put things differently.
    """
    filled = {name: value if isinstance(value, Sentence) else str(value) for name, value in values.items()}
    return Sentence(code.format(**filled), code, filled)


def parts_to_wire(**texts: str) -> dict[str, Any]:
    """What a header has beside its texts: codes and values of those in which something is filled in, by field."""
    said = {name: _to_wire(text) for name, text in texts.items() if isinstance(text, Sentence)}
    return {"said": said} if said else {}


def text_from_wire(header: Mapping[str, Any], name: str) -> str:
    """A text of a header, as a `Sentence` if its code and values came along and can be read."""
    text, said = str(header.get(name) or ""), header.get("said")
    try:
        return _from_wire([*said[name], text]) if isinstance(said, dict) and name in said else text
    except (TypeError, ValueError, AttributeError):
        return text


def several_to_wire(**texts: Sequence[str]) -> dict[str, Any]:
    """Fields of a header that hold several texts each, and what `parts_to_wire` says of them."""
    apart = {f"{name}.{number}": one for name, some in texts.items() for number, one in enumerate(some)}
    return {**{name: list(some) for name, some in texts.items()}, **parts_to_wire(**apart)}


def several_from_wire(header: Mapping[str, Any], name: str) -> list[str]:
    """What `several_to_wire` has put into a field."""
    texts = {f"{name}.{number}": text for number, text in enumerate(header.get(name, ()))}
    return [text_from_wire({**texts, "said": header.get("said")}, one) for one in texts]


def _to_wire(sentence: Sentence) -> list[Any]:
    """Code and values; a value that is a sentence of its own likewise, with its text."""
    values = {
        name: [*_to_wire(one), str(one)] if isinstance(one, Sentence) else one for name, one in sentence.values.items()
    }
    return [sentence.code, values]


def _from_wire(entry: Any) -> Sentence:
    """The texts are taken as they came: to fill in what somebody else says could take any amount of memory."""
    code, values, text = entry
    found = {str(name): _from_wire(one) if isinstance(one, list) else str(one) for name, one in values.items()}
    return Sentence(str(text), str(code), found)
