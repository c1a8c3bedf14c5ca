"""The table of operations is what documents and clients know of it."""

from __future__ import annotations

import re
from pathlib import Path

from impasto.server.operations import OPERATIONS, JobOperation
from impasto_link.client import _JOBS

WIRE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")


def test_the_document_names_each_operation() -> None:
    table = WIRE.partition("\n## Operations\n")[2].partition("\n\n`area` is")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert set(rows) - {"op"} == OPERATIONS.keys()


def test_clients_know_what_is_a_job() -> None:
    assert {name for name, one in OPERATIONS.items() if isinstance(one, JobOperation)} == _JOBS
