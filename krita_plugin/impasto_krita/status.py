"""The line at the bottom of the docker: how the server is, and what to do when it is not well."""

from __future__ import annotations

from html import escape

from impasto_editor.status import status
from impasto_link.session import Session


def describe(session: Session) -> str:
    """The line, with a link where something can be done."""
    found = status(session)
    words = escape(found.words)
    if found.remedy:
        words = f'{words} <a href="#">{escape(found.remedy)}</a>'
    return f"⚠ {words}" if found.trouble else words
