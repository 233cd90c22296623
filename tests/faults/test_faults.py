"""The shortened matrix: a few of each fault, what must hold after each; `make faults` plays all of it."""

from __future__ import annotations

import pytest

from tests.faults.matrix import MATRIX, Row, play
from tests.faults.rows import Size

SEED = 20220316
SHORT = [(row, row.short) for row in MATRIX if row.short is not None]


@pytest.mark.parametrize("row,size", SHORT, ids=[row.name for row, _ in SHORT])
async def test_nothing_is_lost_and_nothing_is_repeated(row: Row, size: Size) -> None:
    played = await play(row, size, SEED)
    assert not played.tally.problems, str(played)
    assert (played.tally.lost, played.tally.repeated) == (0, 0)
    assert played.tally.kills >= (size.kills if row.kills else 0)
