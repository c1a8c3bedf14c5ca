"""Logging of the server: JSON lines in a file for programs, plain lines on a terminal for people."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import time
from pathlib import Path

from impasto_link.discovery import log_file

log = logging.getLogger(__name__)

#: A log larger than this is put aside; one old log is kept.
MAX_BYTES = 5_000_000
#: So many letters of a message or a traceback are logged, so that no line is a flood of its own.
LONGEST_MESSAGE = 2_000
LONGEST_TRACEBACK = 20_000


class JsonLines(logging.Formatter):
    """One JSON object per line: time (UTC), level, process, logger, message and, after an error, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage()[:LONGEST_MESSAGE],
        }
        if record.exc_info:
            # The end says what went wrong.
            entry["traceback"] = self.formatException(record.exc_info)[-LONGEST_TRACEBACK:]
        return json.dumps(entry, ensure_ascii=False)


def put_aside(path: Path) -> None:
    """Empty a log that is larger than `MAX_BYTES`; what it held is kept next to it."""
    if path.exists() and path.stat().st_size > MAX_BYTES:
        # Not renamed: it is this process's standard error, too, where an editor has started it. That would go on into
        # the old log, and Windows renames no file that is open.
        shutil.copyfile(path, path.with_suffix(".log.old"))
        os.truncate(path, 0)


def keep_log_short() -> None:
    """See to it that the log of this process does not grow for ever; whoever owns it calls this now and then."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            _keep_short(Path(handler.baseFilename))


def _keep_short(path: Path) -> None:
    try:
        put_aside(path)
    except OSError as error:
        # No room for a copy, perhaps; the log itself has to end somewhere, too.
        with contextlib.suppress(OSError):
            os.truncate(path, 0)
        log.warning("the log could not be put aside: %s", error)


def configure_logging() -> Path:
    """Log to the server's file, and to the terminal if there is one; returns the file."""
    path = log_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    to_file = logging.FileHandler(path, encoding="utf-8")
    to_file.setFormatter(JsonLines())
    handlers: list[logging.Handler] = [to_file]
    if sys.stderr is not None and sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    logging.basicConfig(level=logging.INFO, handlers=handlers, format="%(levelname)s %(name)s: %(message)s")
    return path
