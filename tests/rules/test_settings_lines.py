from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import read_settings
from bot.errors import SettingsError
from bot.rules.conditions import Rule, Telling
from tests.conftest import ROOT

SETTINGS = (ROOT / "config.yaml").read_text()
BEFORE = 'index_day: {when: "±2/3/5/7/10%", of: [index]}'


def read(folder: Path, rule: str) -> tuple[Rule, ...]:
    """Return what becomes of `rule`, put in the place of one of the preset loud."""
    file = folder / "config.yaml"
    file.write_text(SETTINGS.replace(BEFORE, f"index_day: {rule}", 1))
    rules = read_settings(file).rules_of("loud", {"HSTECH": ("1810.HK", "0700.HK", "0005.HK")}.__getitem__)
    return tuple(each for each in rules if each.name == "index_day")


@pytest.mark.parametrize(
    "rule,symbols",
    [
        ('{when: "小米, 腾讯 ±2%"}', {"1810.HK", "0700.HK"}),
        ('{when: "小米, 恒科 ±2%", of: [index]}', {"HSTECH"}),
        ('{when: "each of 恒科 ±2%"}', {"1810.HK", "0700.HK"}),
        ('{when: "indices ±2%"}', {"HSTECH", "^HSI", "^HSCE", "000300.SS"}),
        ('{when: "±2%", of: [index]}', {"HSTECH", "^HSI", "^HSCE", "000300.SS"}),
        ('{when: "10 of 恒科 down 3%"}', {"HSTECH"}),
    ],
)
def test_a_rule_of_the_settings_is_a_whole_line(tmp_path: Path, rule: str, symbols: set[str]) -> None:
    (found,) = read(tmp_path, rule)
    assert set(found.symbols) == symbols


def test_what_is_not_watched_is_not_looked_at(tmp_path: Path) -> None:
    (found,) = read(tmp_path, '{when: "each of HSTECH up 2%"}')
    assert "0005.HK" not in found.symbols


def test_how_it_is_told_may_stand_in_the_line(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "{when: 'HSTECH ±2% once a session urgent note \"look\"', together: true}")
    assert found.telling == Telling("once a session", urgency="urgent", note="look")
    assert found.together


def test_auto_steps_become_a_rule_for_indices_and_one_for_all_else(tmp_path: Path) -> None:
    found = read(tmp_path, '{when: "±auto", of: [index, stock]}')
    assert {str(each.condition): len(each.symbols) for each in found} == {
        "±auto(2σ60, 1.5%, 4%) ladder 1/1.5/2.5": 4,
        "±auto(2.5σ60, 4%, 8%) ladder 1/1.5/2.5": 20,
    }


@pytest.mark.parametrize(
    "rule,said",
    [
        ('{when: "HSTECH drawdwn 20%"}', "“drawdwn” is not known here: write drawdown."),
        ('{when: "小蜜 ±2%"}', "No instrument is called “小蜜”."),
        ('{when: "±2%"}', "The line does not say what to look at: begin with a name"),
        ('{when: "watchlist ±2%"}', "Only a chat has a watchlist"),
        ('{when: "HSTECH rsi > 120"}', "“rsi 14” cannot be compared with 120"),
    ],
)
def test_a_mistake_in_a_line_is_named_by_its_line_in_the_file(tmp_path: Path, rule: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, rule)
    number = SETTINGS[: SETTINGS.index(BEFORE)].count("\n") + 1
    assert str(refused.value).startswith(f"config.yaml, line {number}: {said}")
