"""Which letter of a title is its key with Alt."""

from __future__ import annotations

from collections.abc import Iterable

from impasto_editor.texts import tr

#: Of the buttons that GIMP gives its dialogs: Cancel, Help, Load, Reset, Save.
_OF_GIMP = "chlrs"


def titles(english: Iterable[str]) -> dict[str, str]:
    """English titles and what is shown of them: in the user's language, with an underscore before the key.

    The first titles choose first: the first letter of a word if it is free, else another letter; none if none is. The
    keys are the same in all languages: where the letter is not in the translation it follows in brackets.
    """
    taken, found = set(_OF_GIMP), {}
    for title in english:
        letter = next((one for one in _wanted(title) if one not in taken), "")
        taken.add(letter)
        found[title] = _marked(tr(title), letter)
    return found


def _wanted(title: str) -> str:
    words = title.lower().split()
    letters = "".join(word[0] for word in words) + "".join(words)
    return "".join(one for one in letters if one.isascii() and one.isalpha())


def _marked(words: str, letter: str) -> str:
    # An underscore of its own would be a mark.
    words = words.replace("_", "__")
    if not letter:
        return words
    if not words.isascii():
        words, dots = (words.removesuffix("…"), "…") if words.endswith("…") else (words, "")
        return f"{words}(_{letter.upper()}){dots}"
    place = _place(words, letter)
    return f"{words[:place]}_{words[place:]}" if place >= 0 else f"{words} (_{letter.upper()})"


def _place(words: str, letter: str) -> int:
    """Where the letter is, at the beginning of a word if it can be; -1 if nowhere."""
    low = f" {words.lower()}"
    first = low.find(f" {letter}")
    return first if first >= 0 else low.find(letter) - 1 if letter in low else -1
