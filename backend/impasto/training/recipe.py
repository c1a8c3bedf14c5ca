"""What a bank is trained on: its styles, their paintings, and how each is weighed.

A recipe names its paintings relative to a folder given beside it, so that it can be published without them:

    width = 32
    strokes = [0.64, 1.0, 1.6]  # sizes at which each style is learned, 1 being the usual one
    strengths = [0.5, 1.0]      # and how strongly: the style weighs as much as the square
    [styles.starry-night]
    title = "The Starry Night"
    artist = "Vincent van Gogh"
    year = 1889
    paintings = ["starry_night.jpg"]
    size = 400          # short side in pixels at which the painting is shown to the loss: sets the size of its strokes
    weight = 1.0        # how many times as much as usual its style counts
    trim = 0.05         # share of each side that is cut off: frames, paper edges
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from impasto.imaging.files import as_text
from impasto.training.photos import find_pictures
from impasto.zoo.grid import CodeGrid


@dataclass(frozen=True)
class StyleRecipe:
    """One style: several paintings count as one manner (their Gram matrices are averaged)."""

    name: str
    paintings: tuple[Path, ...]
    title: str = ""
    artist: str = ""
    year: int | None = None
    size: int = 400
    weight: float = 1.0
    trim: float = 0.0

    def for_card(self) -> dict[str, Any]:
        """As the bank's card keeps it: file names without their folder."""
        return {**asdict(self), "paintings": [path.name for path in self.paintings]}


@dataclass(frozen=True)
class BankRecipe:
    """A bank: the shape of its body and its styles, in their order.

    Attributes:
        strokes: the sizes of strokes at which each style is learned, from fine to bold; 1 is the usual one.
        strengths: how strongly, from gentle to full; the style counts as much as the square.
    """

    styles: tuple[StyleRecipe, ...]
    width: int = 32
    blocks: int = 5
    strokes: tuple[float, ...] = (0.64, 1.0, 1.6)
    strengths: tuple[float, ...] = (0.5, 1.0)
    title: str = ""
    licence: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_paintings(cls, paths: list[Path]) -> BankRecipe:
        """Each file is a style named after it; each folder is one style of all the pictures in it."""
        return cls(tuple(_style_from_path(path) for path in paths))

    @classmethod
    def from_toml(cls, path: Path, paintings: Path) -> BankRecipe:
        """Read a recipe whose paintings lie in the folder ``paintings``.

        Raises:
            ValueError: the file is no recipe, or a painting is missing.
        """
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
            styles = tuple(
                StyleRecipe(name=name, **{**entry, "paintings": tuple(paintings / file for file in entry["paintings"])})
                for name, entry in raw.pop("styles").items()
            )
            recipe = cls(styles=styles, **raw)
            grid = CodeGrid.of(recipe.strokes, recipe.strengths)
            recipe = replace(recipe, strokes=grid.strokes, strengths=grid.strengths)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a style recipe: {error}") from error
        for style in recipe.styles:
            for painting in style.paintings:
                if not painting.is_file():
                    raise ValueError(f"The style {style.name!r} needs {painting}, which is not there.")
        return recipe


def _style_from_path(path: Path) -> StyleRecipe:
    paintings = tuple(find_pictures(path)) if path.is_dir() else (path,)
    if not paintings or not all(painting.is_file() for painting in paintings):
        raise ValueError(f"There is no picture at {path}.")
    title = as_text(path.stem).replace("_", " ").replace("-", " ")
    name = title.lower().replace(" ", "-")
    return StyleRecipe(name=name, paintings=paintings, title=title.capitalize())
