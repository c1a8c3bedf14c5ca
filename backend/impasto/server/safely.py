"""Going on after an error."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)


def safely(do: Callable[..., object], *arguments: Any) -> bool:
    """Do a part of the work, and say whether it went well; if not, that is logged, and the rest of the work goes on."""
    try:
        do(*arguments)
    except Exception:
        log.exception("the server goes on after an error")
        return False
    return True
