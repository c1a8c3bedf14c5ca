"""The table of operations is what documents and clients know of it."""

from __future__ import annotations

import re
from pathlib import Path

from impasto.server.operations import OPERATIONS, JobOperation

WIRE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")


def test_the_document_names_each_operation() -> None:
    table = WIRE.partition("\n## Operations\n")[2].partition("\n\n`area` is")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert set(rows) - {"op"} == OPERATIONS.keys()


def test_a_job_comes_with_pictures_by_which_clients_know_it() -> None:
    """What was sent over a connection that broke they fetch if it had pictures, and else they ask again."""
    assert all(one.needs for one in OPERATIONS.values() if isinstance(one, JobOperation))
