"""What other people's packages bring along: modules that they name in entry points."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from types import ModuleType

log = logging.getLogger(__name__)


def brought(group: str, check: Callable[[ModuleType], None]) -> Iterator[tuple[str, ModuleType | Exception]]:
    """The modules of a group of entry points, and where each is; in place of one that cannot be used, why.

    Args:
        group: of the entry points.
        check: raises if a module has not what one of this group has to have.
    """
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            module = point.load()
            check(module)
        except Exception as error:
            # Whatever is wrong with somebody else's package, ours work.
            log.warning("%s of the group %s cannot be used", point.value, group, exc_info=error)
            yield point.value, error
        else:
            yield point.value, module
