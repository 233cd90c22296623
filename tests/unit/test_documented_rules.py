from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from bot.config import read_settings
from bot.market.catalogue import Catalogue
from bot.rules.chinese import is_han
from bot.rules.conditions import Condition, DayMove, FromBase, FromExtreme, Gate, Rule
from bot.rules.gates import leaves_of
from bot.rules.line import Line
from bot.rules.measures import Day, Drawdown, Measure, OffLow
from bot.rules.scope import read
from bot.rules.terms import Comparison
from bot.rules.words import HAN
from bot.sources.catalogue import load_catalogue

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "docs" / "rules.md").read_text()
README = (ROOT / "README.md").read_text()
CATALOGUE = Catalogue.of((*read_settings(ROOT / "config.yaml").catalogue(), *load_catalogue()))

# What the page names besides whole lines: parts of one, and what is not of the language.
NO_LINES = {
    *("at least", "at most", "falls to", "each of", "for 3 looks", "at close", "off low", "change since"),
    *("> 2x", "since 2021-02-17", "together: true"),
    *("marketbell backtest", "marketbell rules explain", "rules explain"),
}


def quoted(page: str) -> Iterator[str]:
    """Give what stands between backticks."""
    return (each.strip() for each in re.findall(r"`([^`]+)`", page))


def lines_of_rules() -> list[str]:
    found = {each for each in quoted(RULES) if " " in each or is_han(each[0])}
    return sorted(found - NO_LINES)


def lines_of_readme() -> list[str]:
    section = README.split("## Rules\n")[1].split("\n## ")[0]
    rows = (row.split(" | ")[0] for row in section.splitlines() if row.startswith("| `"))
    shown = re.findall(r'marketbell (?:rules explain|backtest) "([^"\n]+)"', README)
    return sorted({*quoted("".join(rows)), *shown})


def understood(line: str) -> Line:
    return read(line, lambda name: CATALOGUE.resolve(name).symbol)


def measures_of(condition: Condition) -> Iterator[Measure]:
    match condition:
        case DayMove():
            yield Day()
        case FromBase(base):
            yield base
        case FromExtreme(side=side, window=window):
            yield OffLow(window) if side == "low" else Drawdown(window)
        case Gate():
            for leaf in leaves_of(Rule("", condition, frozenset())):
                if isinstance(leaf, Comparison):
                    yield leaf.measure


@pytest.mark.parametrize("line", lines_of_rules())
def test_every_line_that_the_page_of_rules_shows_reads(line: str) -> None:
    assert understood(str(understood(line))) == understood(line)


@pytest.mark.parametrize("line", lines_of_readme())
def test_every_line_that_the_readme_shows_reads(line: str) -> None:
    assert understood(str(understood(line))) == understood(line)


def test_the_page_shows_every_measure_and_what_it_names_besides_stands_on_it() -> None:
    shown = {type(each) for line in lines_of_rules() for each in measures_of(understood(line).condition)}
    assert shown == set(get_args(Measure))
    assert set(quoted(RULES)) >= NO_LINES
    assert len(lines_of_readme()) > 15


def test_the_chinese_that_the_page_lists_is_what_the_grammar_knows() -> None:
    section = RULES.split("## In Chinese\n")[1].split("\n## ")[0]
    rows = [row.strip("| ").split(" | ")[0] for row in section.splitlines() if row.startswith("| ")]
    words = {each for row in rows for each in re.findall("[\u3400-\u9fff]+", row)}
    assert len(words) > 50
    assert words <= HAN.keys()
