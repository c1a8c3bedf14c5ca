"""What reading and writing pictures has to say of them, which it logs as warnings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Listener(logging.Handler):
    def __init__(self, hear: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(self.format(record))


@contextmanager
def remarks(hear: Callable[[str], object]) -> Iterator[None]:
    """Within it, ``hear`` is told each remark.

    Only those of our own modules: what the libraries beneath them log is for them to tell in words.
    """
    listener, logger = _Listener(hear), logging.getLogger("impasto")
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
