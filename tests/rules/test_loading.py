"""What a back-test loads: TA-Lib brings pandas and polars with it, and only gates ask for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import PRICES, ROOT

HEAVY = ("pandas", "polars", "talib")
LADDER = """
from datetime import date
from bot.market.bars import Bar, Calendar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import bare_instrument
from bot.rules.backtest import Past, report
from bot.rules.conditions import Rule
from bot.rules.grammar import parse
series = Series("0001.HK", (Bar(date(2024, 3, 4), 100.0), Bar(date(2024, 3, 5), 103.0)))
past = Past(Catalogue.of([bare_instrument("0001.HK")]), {"0001.HK": series}, Calendar({}))
found = report([Rule("rule", parse("±2%"), frozenset(past.series))], past)
assert [each.step for each in found.fires] == [2]
"""
QUOTE = f"""
import sys
from bot.cli import main
sys.argv = ["marketbell", "quote", "HSTECH", "--data", {str(PRICES)!r}]
try:
    main()
except SystemExit as ended:
    assert not ended.code
"""


@pytest.mark.parametrize(
    "work,without", [(LADDER, HEAVY), (QUOTE, (*HEAVY, "numpy"))], ids=["ladder", "quote"]
)
def test_neither_a_quote_nor_a_back_test_of_a_ladder_loads_what_indicators_need(
    work: str, without: tuple[str, ...]
) -> None:
    script = f"{work}\nimport sys\nprint('loaded', *(each for each in {without!r} if each in sys.modules))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "loaded"
