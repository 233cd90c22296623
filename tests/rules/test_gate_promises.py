"""What every gate promises, asked of real bars: a swing about a threshold tells once, a roll-off nothing."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.market.bars import Bar, Calendar, Series
from bot.market.instrument import bare_instrument
from bot.market.quote import Look
from bot.market.sessions import settlement
from bot.rules.columns import Now, Scene
from bot.rules.conditions import Gate, Rule
from bot.rules.gate_fires import gate_fires
from bot.rules.gates import Stand, judged, rung_of
from bot.rules.grammar import parse
from bot.rules.measures import (
    Average,
    Change,
    ChangeSince,
    Day,
    Direction,
    Drawdown,
    FromCost,
    Measure,
    OffLow,
    Position,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
)
from bot.rules.terms import Comparison
from bot.rules.truth import Unknown
from tests.rules.recorded_scene import recorded, scene

MEASURES: tuple[Measure, ...] = (
    Price(),
    Day(),
    Change(5, "sessions"),
    ChangeSince(date(2021, 6, 1)),
    SinceTold(),
    FromCost(100.0),
    OffLow("52w"),
    Drawdown("all"),
    Position("52w"),
    Sigmas(),
    Rsi(),
    Average("ema", 20),
    Ratio("BILI"),
)
SYMBOLS = ("HSTECH", "^HSI", "0700.HK", "BABA")


def told_in_a_day(rule: Rule, symbol: str, row: int, prices: list[float]) -> list[tuple[float, float]]:
    """Look at each price of a session in turn; return those that told, each with the price it told at."""
    whole = scene(symbol)
    bars, found = whole.series.bars, []
    settled, stand, told = settlement(whole.market, bars[row].session), Stand(), None
    before = Series(symbol, bars[:row])
    for number, price in enumerate(prices):
        time = settled - timedelta(minutes=len(prices) - number)
        now = Now(time, price, final=False, told=told)
        reading = scene(symbol, before.with_bar(Bar(bars[row].session, price)), now)
        look = Look(symbol, bars[row].session, time, price, price, price, final=False)
        after = judged(rule, look, reading, stand)
        stand = after.stand
        if after.met is not None:
            found.append((price, after.met.price))
            told = price
    return found


def value_at(measure: Measure, symbol: str, row: int, price: float) -> float | Unknown:
    whole = scene(symbol)
    bars = whole.series.bars
    now = Now(settlement(whole.market, bars[row].session), price, final=False)
    series = Series(symbol, bars[:row]).with_bar(Bar(bars[row].session, price))
    return scene(symbol, series, now).value(measure)


@settings(max_examples=150, deadline=None)
@given(
    some.sampled_from(MEASURES),
    some.sampled_from(SYMBOLS),
    some.integers(260, 370),
    some.sampled_from(("up", "down")),
    some.lists(some.integers(-100, 100), min_size=1, max_size=40),
)
def test_a_price_that_swings_about_a_threshold_all_day_tells_once(
    measure: Measure, symbol: str, row: int, direction: Direction, swings: list[int]
) -> None:
    close = recorded()[symbol].bars[row].close
    threshold = value_at(measure, symbol, row, close)
    if isinstance(threshold, Unknown):
        return
    rule = Rule("rule", Gate(Comparison(measure, direction, threshold)), frozenset({symbol}))
    # A tenth of a per cent each way, and where it comes to hold at last, it is told.
    prices = [close * (1 + each / 100_000) for each in swings]
    assert len(told_in_a_day(rule, symbol, row, prices)) <= 1
    assert len(told_in_a_day(rule, symbol, row, [*prices, close])) == 1


@given(some.sampled_from(SYMBOLS), some.integers(260, 370), some.lists(some.integers(-100, 100), min_size=1))
def test_a_price_that_swings_about_an_average_all_day_tells_once(
    symbol: str, row: int, swings: list[int]
) -> None:
    # The last price is among the closes that are averaged: it meets the average where it equals the others'.
    level = mean(each.close for each in recorded()[symbol].bars[row - 19 : row])
    rule = Rule("rule", Gate(Comparison(Price(), "up", Average("sma", 20))), frozenset({symbol}))
    if any(each.adjusted for each in recorded()[symbol].bars[row - 19 : row + 1]):
        return
    prices = [level * (1 + each / 100_000) for each in swings]
    assert len(told_in_a_day(rule, symbol, row, [*prices, level * 1.001])) == 1


@pytest.mark.parametrize(
    "line", ["price > sma 20", "rsi > 40", "change 5d > -20% and price > 1", "above 3600"]
)
def test_a_gap_far_beyond_a_threshold_is_one_alert(line: str) -> None:
    sessions = recorded()["HSTECH"].sessions
    row = sessions.index(date(2022, 3, 16))
    rule = Rule("rule", parse(line), frozenset({"HSTECH"}))
    assert told_in_a_day(rule, "HSTECH", row, [3000.0, 3100.0, 5600.0, 5700.0]) == [(5600.0, 5600.0)]


ROLLED = (
    "off low > 20% 52w and price > 1",
    "drawdown > 20% 52w and price > 1",
    "off low > 10% 90d and price > 1",
    "new low 52w",
    "new high 52w",
    "new low 90d intraday",
    "new high 90d intraday",
)


@settings(max_examples=150, deadline=None)
@given(
    some.sampled_from(ROLLED),
    some.lists(
        some.tuples(
            some.sampled_from((44.0, 50.0, 55.0, 60.0, 66.0, 80.0, 99.0, 100.0)),
            some.lists(some.sampled_from((1, 30, 91, 200, 366, 400)), max_size=3),
        ),
        max_size=8,
    ),
)
def test_a_price_that_stays_fires_nothing_whatever_leaves_the_window(
    line: str, stretches: list[tuple[float, list[int]]]
) -> None:
    day, bars, moved = date(2010, 1, 4), [], set()
    for price, gaps in stretches:
        day += timedelta(days=1)
        moved.add(day)
        bars.append(Bar(day, price, price, price, price))
        for gap in gaps:
            day += timedelta(days=gap)
            bars.append(Bar(day, price, price, price, price))
    condition = parse(line)
    assert isinstance(condition, Gate)
    rule, series = Rule("rule", condition, frozenset({"0001.HK"})), Series("0001.HK", tuple(bars))
    of = Scene(
        bare_instrument("0001.HK"), series, Calendar({}), lambda symbol: None, lambda index, session: ()
    )
    found = gate_fires(rule, condition, series, of, "HK", propose=lambda strict, loose: range(len(strict)))
    assert {date.fromordinal(each) for each in found.days.tolist()} <= moved
    assert rung_of(rule, "0001.HK", day).episode == "gate"
