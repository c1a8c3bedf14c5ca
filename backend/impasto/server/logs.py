"""Logging of the server: JSON lines in a file for programs, plain lines on a terminal for people."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import time
from pathlib import Path

from impasto_link.discovery import log_file

#: A log larger than this is put aside when the server starts; one old log is kept.
MAX_BYTES = 5_000_000


class JsonLines(logging.Formatter):
    """One JSON object per line: time (UTC), level, process, logger, message and, after an error, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def put_aside(path: Path) -> None:
    """Empty a log that is larger than `MAX_BYTES`; what it held is kept next to it."""
    if path.exists() and path.stat().st_size > MAX_BYTES:
        # Not renamed: it is this process's standard error, too, where an editor has started it. That would go on into
        # the old log, and Windows renames no file that is open.
        shutil.copyfile(path, path.with_suffix(".log.old"))
        os.truncate(path, 0)


def configure_logging(*, rotate: bool = False) -> Path:
    """Log to the server's file, and to the terminal if there is one; returns the file."""
    path = log_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if rotate:
        put_aside(path)
    to_file = logging.FileHandler(path, encoding="utf-8")
    to_file.setFormatter(JsonLines())
    handlers: list[logging.Handler] = [to_file]
    if sys.stderr is not None and sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    logging.basicConfig(level=logging.INFO, handlers=handlers, format="%(levelname)s %(name)s: %(message)s")
    return path
