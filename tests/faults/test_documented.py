"""The table of faults names what there is: rows that are played, and tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.conftest import ROOT
from tests.faults.matrix import MATRIX

LINES = [
    re.split(r"\s*\|\s*", line)[1:-1]
    for line in (ROOT / "docs" / "faults.md").read_text().splitlines()
    if re.match(r"\| F\d+ \|", line)
]
PROMISED = [f"F{number}" for number in range(1, 37)]


@cache
def functions_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, functions))


def test_every_fault_has_its_line() -> None:
    assert [cells[0] for cells in LINES] == PROMISED


@pytest.mark.parametrize("cells", LINES, ids=[cells[0] for cells in LINES])
def test_what_proves_it_exists(cells: list[str]) -> None:
    *_, played, tests = cells
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
    assert named
    for path, name in named:
        assert name in functions_in(path), f"{path} has no {name}"
    rows = {row.name.partition(",")[0] for row in MATRIX}
    assert played == "" or played in rows


def test_every_row_that_is_played_is_in_the_table() -> None:
    assert {row.name.partition(",")[0] for row in MATRIX} == {cells[4] for cells in LINES if cells[4]}
