"""What an index of thresholds is asked with never leaves out what the step of a ladder takes."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.market.bars import Bar, Calendar, Series
from bot.rules.evaluate import Ladders, looked
from bot.rules.grammar import parse
from bot.rules.measures import (
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Drawdown,
    Measure,
    OffLow,
    Position,
    Price,
    Rsi,
    Sigmas,
    Streak,
    Volume,
)
from bot.rules.probes import is_of_price, probe_of, range_from, range_of_price, range_of_value, read_measure
from bot.rules.standing import last_footing
from bot.rules.threshold import Key, threshold_of
from tests.rules.listening import day, look, rule, series

KEPT: tuple[Measure, ...] = (
    Price(),
    Day(),
    Change(5, "sessions"),
    Change(30, "m"),
    ChangeSince(date(2021, 2, 17)),
    OffLow("52w"),
    Drawdown("since 2021-02-17", "intraday"),
    Position("90d"),
    Sigmas(20),
    Rsi(),
    Average("ema", 20),
    Breadth("HSTECH", "down", 3.0),
    Streak(),
    Volume(10),
)


@pytest.mark.parametrize("measure", KEPT, ids=str)
def test_a_measure_is_read_from_its_own_text(measure: Measure) -> None:
    assert read_measure(str(measure)) == measure


@pytest.mark.parametrize("text", ["", "mood", "day > 2% and gap", "day) or (gap", "rsi"])
def test_what_is_no_measures_text_any_more_is_none(text: str) -> None:
    assert read_measure(text) is None


@pytest.mark.parametrize("measure", [Price(), Rsi(), Volume()], ids=str)
def test_what_has_no_reference_has_no_footing_to_share(measure: Measure) -> None:
    assert probe_of(Key("X", measure)) is None
    assert is_of_price(Key("X", measure)) is (measure == Price())


prices = some.sampled_from((44.0, 50.0, 54.0, 55.0, 60.0, 66.0, 77.0, 90.0, 99.0, 100.0, 110.0, 140.0))
ladders = some.sampled_from(
    (
        "day > 10%",
        "day < -10%",
        f"change since {day(0)} > 10%",
        f"change since {day(0)} < -10%",
        "off low 10% 52w",
        "off low 20% intraday 52w",
        "drawdown 10%",
        "drawdown 20% intraday",
    )
)


@given(ladders, some.lists(prices, min_size=1, max_size=6), some.tuples(prices, prices, prices))
def test_the_range_of_a_look_holds_every_threshold_that_it_reaches(
    line: str, closes: list[float], seen: tuple[float, float, float]
) -> None:
    low, price, high = sorted(seen)
    asked = rule(parse(line))
    at = threshold_of(asked)
    assert at is not None
    probe = probe_of(at.on("X"))
    assert probe is not None
    now, today = len(closes), series(*closes).with_bar(Bar(day(len(closes)), price))
    own, shared = (last_footing(each, today, Calendar({}), "HK") for each in (asked, probe))
    assert (own is None) == (shared is None)
    seen_now = look(now, price, high, low)
    reached = range_from(shared, seen_now)
    if own is not None and looked(asked, own, seen_now, Ladders().furthest):
        assert reached[1] >= at.threshold if at.side == "up" else reached[0] <= at.threshold


def test_what_cannot_be_compared_spans_nothing() -> None:
    assert all(map(math.isnan, range_from(None, look(0, 100.0))))
    assert all(map(math.isnan, range_of_value(None)))


@given(some.floats(0.01, 1e6), some.floats(0.01, 1e6))
def test_a_look_spans_from_its_low_to_its_high_and_a_value_no_more_than_itself(
    one: float, other: float
) -> None:
    low, high = sorted((one, other))
    bottom, top = range_of_price(look(0, low, high, low))
    assert bottom <= low <= high <= top
    assert low - bottom <= 1e-5
    assert top - high <= 1e-5
    least, most = range_of_value(one)
    assert least <= one <= most


def test_a_series_without_bars_is_nothing_that_a_threshold_could_count_from() -> None:
    probe = probe_of(Key("X", OffLow("52w")))
    assert probe is not None
    assert last_footing(probe, Series("X", ()).with_bar(Bar(day(1), 100.0)), Calendar({}), "HK") is None
