from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.errors import GrammarError
from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Series
from bot.market.extremes import standings
from bot.rules.conditions import AutoSteps, Rule
from bot.rules.crossing import Crossing, reaches
from bot.rules.evaluate import Ladders, crossings
from bot.rules.grammar import parse

START = date(2021, 1, 4)
OFF_LOW = "off low 10/20% reference {}, trigger {}, window 52w, re-arm on new low"
DRAWDOWN = "drawdown 10/20% reference close, trigger touch, window {}, re-arm on new peak"


def bars(*prices: tuple[float, ...]) -> Series:
    """Make daily bars of (close,) or (high, low, close)."""
    return Series("X", tuple(_bar(START + timedelta(days=day), each) for day, each in enumerate(prices)))


def _bar(session: date, prices: tuple[float, ...]) -> Bar:
    high, low = prices[:2] if prices[1:] else (None, None)
    return Bar(session, prices[-1], None, high, low)


def told(text: str, series: Series) -> list[Crossing]:
    rule = Rule("rule", parse(text), frozenset({"X"}))
    return list(crossings(rule, series, Calendar({}), "HK", Ladders()))


def test_a_price_at_the_very_step_fires() -> None:
    assert reaches(0.9, 1.0, -10)
    assert reaches(1.1, 1.0, 10)
    assert not reaches(1.0999999, 1.0, 10)


def test_both_directions_of_a_day_may_fire_and_the_further_comes_first() -> None:
    found = told("±2/3%", bars((100,), (102, 96.5, 100)))
    assert [(each.direction, each.steps, each.seen_by) for each in found] == [
        ("down", (2, 3), "range"),
        ("up", (2,), "range"),
    ]


def test_a_step_is_told_once_until_a_lower_low() -> None:
    found = told(OFF_LOW.format("close", "touch"), bars((100,), (111,), (105,), (112,), (99,), (110,)))
    assert [(each.session.day, each.reference.value) for each in found] == [(5, 100), (9, 99)]


def test_an_equal_low_begins_nothing() -> None:
    found = told(OFF_LOW.format("close", "touch"), bars((100,), (111,), (100,), (112,)))
    assert len(found) == 1


def test_steps_told_before_are_named_as_passed() -> None:
    found = told(OFF_LOW.format("close", "touch"), bars((100,), (111,), (121,)))
    assert [(each.steps, each.passed) for each in found] == [((10,), ()), ((20,), (10,))]


def test_a_new_low_and_a_rebound_in_one_bar_compare_only_the_close() -> None:
    found = told(OFF_LOW.format("intraday", "touch"), bars((100, 100, 100), (130, 90, 98), (99.1, 98, 99)))
    assert [(each.session.day, each.price, each.reference.value) for each in found] == [(6, 99, 90)]


def test_a_close_trigger_does_not_see_the_range() -> None:
    series = bars((100, 100, 100), (115, 101, 105), (111, 104, 111))
    assert [each.session.day for each in told(OFF_LOW.format("close", "close"), series)] == [6]
    assert [each.session.day for each in told(OFF_LOW.format("close", "touch"), series)] == [5]


def test_a_peak_that_grows_too_old_moves_the_reference_and_begins_no_episode() -> None:
    days = [(200.0,), *[(100.0,)] * 400, (95.0,)]
    found = told(DRAWDOWN.format("52w"), bars(*days))
    assert [(each.session, each.step) for each in found] == [(START + timedelta(days=1), 20)]
    column = standings(bars(*days), "close", "52w", "peak")
    assert column[-1] is not None
    assert (column[-1].extreme.value, column[-1].episode.value) == (100, 200)


def test_no_price_moves_a_fingerprint() -> None:
    rising = told("±2/3%", bars((100,), (102.5,)))
    higher = told("±2/3%", bars((100,), (102.9,)))
    assert rising[0].fingerprint == higher[0].fingerprint
    assert rising[0].fingerprint != told("±2/4%", bars((100,), (102.5,)))[0].fingerprint


def test_a_day_move_is_a_holders_and_not_the_prices() -> None:
    given = Action(START + timedelta(days=1), "distribution", amount=10.0)
    fell = bars((100,), (91,))
    assert [each.steps for each in told("±4/7%", fell)] == [(4, 7)]
    assert told("±4/7%", replace(fell, actions=(given,))) == []
    rose = replace(bars((100,), (95,)), actions=(given,))
    (found,) = told("±4/7%", rose)
    assert (found.direction, found.steps, found.reference.value) == ("up", (4,), 90)


def test_a_split_crosses_no_step_and_begins_no_episode() -> None:
    rules = ("±4/7%", OFF_LOW.format("close", "touch"), DRAWDOWN.format("52w"))
    held = bars((120,), (100,), (106,))
    split = Action(START + timedelta(days=3), "split", 0.1)
    coming = Series("X", (_bar(START + timedelta(days=3), (10.6,)),), actions=(split,))
    for rule in rules:
        found = told(rule, held.joined(coming))
        assert [each.session for each in found] == [each.session for each in told(rule, held)]


def test_a_missing_session_of_the_market_raises_no_day_move() -> None:
    series = Series("X", (Bar(START, 100), Bar(START + timedelta(days=2), 120)))
    rule = Rule("rule", parse("±2%"), frozenset({"X"}))
    calendar = Calendar({"HK": tuple(START + timedelta(days=day) for day in range(3))})
    assert list(crossings(rule, series, calendar, "HK", Ladders())) == []
    assert len(list(crossings(rule, series, Calendar({}), "HK", Ladders()))) == 1


@pytest.mark.parametrize(
    "sigma,steps",
    [(0.001, (1.5, 2.25, 3.75)), (0.0128, (2.5, 3.75, 6.25)), (0.05, (4, 6, 10)), (None, (4, 6, 10))],
)
def test_steps_follow_volatility_between_floor_and_cap(sigma: float | None, steps: tuple[float, ...]) -> None:
    assert AutoSteps(2, 60, 1.5, 4, (1, 1.5, 2.5)).on(sigma) == steps


def test_the_days_own_move_never_enters_its_sigma() -> None:
    calm = bars(*[(100 + day % 2,) for day in range(62)])
    wild = Series("X", (*calm.bars[:-1], Bar(calm.bars[-1].session, 200)))
    assert calm.sigma(61, 60) == wild.sigma(61, 60) is not None
    assert calm.sigma(60, 60) is None


@pytest.mark.parametrize(
    "text",
    [
        "±2/3/5%",
        "±auto(2.5σ60, 4%, 8%) ladder 1/1.5/2.5",
        "off low 10/20% reference intraday, trigger close, window all, re-arm on new low",
        "drawdown 10/20/30% reference close, trigger touch, window 52w, re-arm on new peak",
    ],
)
def test_the_canonical_text_is_read_as_it_is_written(text: str) -> None:
    assert str(parse(text)) == text


def test_evenly_spaced_steps_are_spelt_out() -> None:
    assert str(parse(DRAWDOWN.format("all").replace("10/20%", "10/20/../50%"))).startswith(
        "drawdown 10/20/30/40/50%"
    )


@pytest.mark.parametrize(
    "text",
    ["", "±", "±0/2%", "±3/2%", "±auto(2σ60, 5%, 4%) ladder 1/2", "±auto(2σ1, 1%, 4%) ladder 1/2"]
    + [DRAWDOWN.format("all").replace("10/20%", steps) for steps in ("50/100%", "10/25/../90%")],
)
def test_a_condition_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(GrammarError):
        parse(text)
