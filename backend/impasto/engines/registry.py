"""Which engines there are: ours, and those that other packages bring. Without PyTorch until one is made.

An engine is a module with ``FACTS``, an `EngineFacts`, and ``load()``, which gives the subclass of
`impasto.engines.base.Engine`. A package says where it is with an entry point of the group ``impasto.engines``:

    [project.entry-points."impasto.engines"]
    watercolour = "my_package.watercolour"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from impasto.brought import brought
from impasto.engines.facts import EngineFacts
from impasto_link.errors import BadRequest, printable, quoted
from impasto_link.options import RefineOptions, StylizeOptions
from impasto_link.parameters import check_settings
from impasto_link.sentences import say

if TYPE_CHECKING:
    from impasto.engines.base import Engine, Studio

GROUP = "impasto.engines"
#: In the order of offer. The first one paints where another has to be shown that does not paint in one pass.
BUILT_IN = tuple(f"impasto.engines.{name}" for name in ("fixed", "small", "adain", "gatys"))


class _Found(NamedTuple):
    engines: dict[str, ModuleType]
    problems: list[str]


def engine_facts() -> dict[str, EngineFacts]:
    """What all engines state of themselves, by name, in the order of offer."""
    return {name: module.FACTS for name, module in _found().engines.items()}


def engine_problems() -> list[str]:
    """What keeps engines of other packages from being offered, each in a sentence."""
    return list(_found().problems)


def make_engine(name: str, studio: Studio) -> Engine:
    """The engine of a name, which has to be known."""
    engine: Engine = _found().engines[name].load()(studio)
    return engine


def settled(options: StylizeOptions) -> StylizeOptions:
    """Options whose engines are known, with their settings checked, and a refinement where an engine does nothing else.

    Raises:
        BadRequest: there is no such engine, or it has no such setting, or not that value of it.
    """
    known = engine_facts()
    for name in options.engines:
        if name not in known:
            raise BadRequest(
                say("The engine {name} is not known.", name=quoted(name)),
                say("Known are {known}.", known=", ".join(known)),
            )
    used = [known[name] for name in options.engines]
    settings = {name: one for facts in used for name, one in facts.settings.items()}
    checked = check_settings(options.settings, settings, f"the engine {' or '.join(facts.name for facts in used)}")
    refine = options.refine
    if refine is None and not all(facts.paints for facts in used):
        refine = RefineOptions()
    return replace(options, refine=refine, settings=checked)


def one_pass(name: str) -> EngineFacts:
    """The facts of an engine, or of the first that paints in one pass if it does not."""
    known = engine_facts()
    return known[name] if known[name].paints else next(facts for facts in known.values() if facts.paints)


def refiner() -> EngineFacts:
    """The facts of the engine that optimises what others have painted."""
    return next(facts for facts in engine_facts().values() if facts.refines)


def settings_of(facts: EngineFacts, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all parameters of an engine: those that are given, and the usual ones."""
    return {name: given.get(name, one.default) for name, one in facts.settings.items()}


@cache
def _found() -> _Found:
    engines = {module.FACTS.name: module for module in map(import_module, BUILT_IN)}
    problems: list[str] = []
    for where, module in brought(GROUP, _check):
        if isinstance(module, Exception):
            reason = printable(f"{type(module).__name__}: {module}")
            problems.append(
                say(
                    "The engine of the package {package} cannot be used: {reason}.",
                    package=printable(where),
                    reason=reason,
                )
            )
        elif module.FACTS.name in engines:
            name, package = module.FACTS.name, printable(where)
            problems.append(
                say("There are two engines {name}; that of {package} is not used.", name=name, package=package)
            )
        else:
            engines[module.FACTS.name] = module
    return _Found(engines, problems)


def _check(module: ModuleType) -> None:
    if not isinstance(module.FACTS, EngineFacts) or not callable(module.load):
        raise TypeError("FACTS is no EngineFacts, or there is no function load")
