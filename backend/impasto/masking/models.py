"""Which networks can find a subject: ours, and those that other packages bring. Without PyTorch until one is made.

What brings some is a module with ``MODELS``, a tuple of `MaskFacts`, and ``load(name, library, device)``, which makes
the `impasto.masking.base.MaskModel` of one of them. A package says where it is with an entry point of the group
``impasto.mask_models``:

    [project.entry-points."impasto.mask_models"]
    mine = "my_package.masks"
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from impasto.brought import brought
from impasto_link.errors import BadRequest, printable, quoted
from impasto_link.sentences import say

if TYPE_CHECKING:
    import torch

    from impasto.masking.base import MaskModel
    from impasto.zoo.library import Library

GROUP = "impasto.mask_models"
_BUILT_IN = ("impasto.masking.own", "impasto.masking.rembg")


@dataclass(frozen=True)
class MaskFacts:
    """What is known of a network that finds subjects before it is loaded.

    Attributes:
        name: by which it is asked for.
        title: what an editor calls it.
        tip: what it is good for, in a sentence.
    """

    name: str
    title: str
    tip: str

    def to_wire(self) -> dict[str, str]:
        """As ``hello`` tells it."""
        return {"name": self.name, "title": self.title, "tip": self.tip}


def mask_models() -> dict[str, MaskFacts]:
    """All of them by name, in the order of offer."""
    return {name: found.facts for name, found in _found().models.items()}


def mask_model_problems() -> list[str]:
    """What keeps networks of other packages from being offered, each in a sentence."""
    return list(_found().problems)


def check_mask_model(name: str) -> None:
    """Raise BadRequest if there is none of this name."""
    known = mask_models()
    if name not in known:
        raise BadRequest(
            say("The mask model {name} is not known.", name=quoted(name)),
            say("Known are {known}.", known=", ".join(known)),
        )


def make_mask_model(name: str, library: Library, device: torch.device) -> MaskModel:
    """The network of a name on a device, of a library if its file is in one; raises BadRequest if there is none."""
    check_mask_model(name)
    model: MaskModel = _found().models[name].module.load(name, library, device)
    return model


class _Model(NamedTuple):
    facts: MaskFacts
    module: ModuleType


class _Found(NamedTuple):
    models: dict[str, _Model]
    problems: list[str]


@cache
def _found() -> _Found:
    models: dict[str, _Model] = {}
    problems: list[str] = []
    modules = [(name, import_module(name)) for name in _BUILT_IN]
    for where, module in [*modules, *brought(GROUP, _check)]:
        if isinstance(module, Exception):
            reason = printable(f"{type(module).__name__}: {module}")
            problems.append(
                say("The mask models of {package} cannot be used: {reason}.", package=printable(where), reason=reason)
            )
            continue
        for one in module.MODELS:
            if one.name in models:
                name, package = printable(one.name), printable(where)
                problems.append(
                    say("There are two mask models {name}; that of {package} is not used.", name=name, package=package)
                )
            else:
                models[one.name] = _Model(one, module)
    return _Found(models, problems)


def _check(module: ModuleType) -> None:
    if not all(isinstance(one, MaskFacts) for one in module.MODELS) or not callable(module.load):
        raise TypeError("MODELS are no MaskFacts, or there is no function load")
