from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.errors import NotKnown
from bot.market.bars import Bar, Calendar, Known, Series
from bot.market.extremes import Extreme
from bot.market.falls import Fall, worst_falls
from bot.market.instrument import Instrument
from bot.market.measures import (
    day_change_pct,
    distance,
    drawdown_card,
    last_bar,
    quote_card,
    sessions_after,
    streak,
)

START = date(2022, 1, 1)
ANY = Instrument("X", "stock", "XHKG", "HKD", short="X")
NO_CALENDAR = Calendar({})


def at(day: int) -> date:
    return START + timedelta(days=day)


def closes(*prices: float) -> Series:
    return Series("X", tuple(Bar(at(day), price) for day, price in enumerate(prices)))


def count(series: Series, calendar: Calendar = NO_CALENDAR) -> int:
    return streak(series, len(series.bars) - 1, "HK", calendar)


@pytest.mark.parametrize(
    "prices,expected",
    [
        ((10,), 0),
        ((10, 11), 1),
        ((10, 9), -1),
        ((10, 11, 12, 13), 3),
        ((10, 11, 10, 9), -2),
        ((10, 11, 12, 12), 0),
        ((10, 11, 11, 12), 1),
    ],
)
def test_a_streak_is_of_closes_on_one_side_and_an_unchanged_one_ends_it(
    prices: tuple[float, ...], expected: int
) -> None:
    assert count(closes(*prices)) == expected


def test_a_streak_ends_where_a_session_is_missing() -> None:
    series = Series("X", (Bar(at(0), 10), Bar(at(1), 11), Bar(at(3), 12), Bar(at(4), 13)))
    assert count(series) == 3
    assert count(series, Calendar({"HK": tuple(at(day) for day in range(5))})) == 1


def test_a_day_change_over_a_missing_session_is_refused() -> None:
    series = Series("X", (Bar(at(0), 10), Bar(at(2), 11)))
    with pytest.raises(NotKnown, match="2022-01-02, is missing for X"):
        day_change_pct(series, 1, "HK", Calendar({"HK": (at(0), at(1), at(2))}))
    with pytest.raises(NotKnown, match="no session before"):
        day_change_pct(series, 0, "HK", NO_CALENDAR)


def test_nothing_is_known_before_the_first_bar() -> None:
    with pytest.raises(NotKnown, match="its bars begin on 2022-01-01"):
        last_bar(closes(10), at(-1))
    with pytest.raises(NotKnown, match="no bars are held"):
        last_bar(Series("X", ()), at(0))


def test_a_distance_knows_whether_its_level_was_traded() -> None:
    series = Series("X", (Bar(at(0), 10, adjusted=True), Bar(at(1), 12)))
    restated, traded = distance(series, 15, Extreme(10, at(0))), distance(series, 15, Extreme(12, at(1)))
    assert restated is not None
    assert traded is not None
    assert (restated.change_pct, restated.adjusted, traded.adjusted) == (50, True, False)
    before = distance(series, 15, Extreme(20, at(-9)))
    assert before is not None
    assert not before.adjusted
    assert distance(series, 15, None) is None


def test_sessions_are_counted_only_from_a_bar_that_is_held() -> None:
    assert sessions_after(closes(1, 2, 3), at(0)) == 2
    assert sessions_after(closes(1, 2, 3), at(-1)) is None
    assert sessions_after(closes(1, 2, 3), at(9)) is None


def test_falls_run_from_a_peak_to_the_first_close_back_at_it() -> None:
    deepest, other = worst_falls(closes(100, 90, 95, 100, 80, 60, 99), START)
    assert (deepest.start, deepest.trough, deepest.recovery) == (at(3), at(5), None)
    assert (other.start, other.trough, other.recovery) == (at(0), at(1), at(3))
    assert deepest.depth_pct == pytest.approx(-40)
    assert other.depth_pct == pytest.approx(-10)


def test_a_first_trough_stands_where_two_are_equal() -> None:
    (fall,) = worst_falls(closes(100, 90, 95, 90, 101), START)
    assert (fall.trough, fall.recovery) == (at(1), at(4))


def test_a_rise_without_a_fall_has_none() -> None:
    assert worst_falls(closes(1, 2, 3), START) == ()


def test_a_fall_may_begin_at_a_peak_whose_bar_is_not_held() -> None:
    known = (Known(at(-30), "peak", "close", 200.0), Known(at(-29), "peak", "intraday", 210.0))
    (fall,) = worst_falls(replace(closes(100, 150), before=known), date.min)
    assert fall == Fall(-50, at(-30), at(0), None)
    card = drawdown_card(ANY, replace(closes(100, 150), before=known), at(1), "all")
    assert (card.sessions, card.since) == (None, at(-30))
    assert card.worst is not None
    assert card.worst.change_pct == pytest.approx(-50)


def test_of_a_time_without_bars_only_the_open_fall_is_told() -> None:
    known = (
        Known(at(-90), "low", "close", 120.0),
        Known(at(-80), "low", "close", 110.0),
        Known(at(-70), "peak", "close", 200.0),
        Known(at(-60), "peak", "close", 190.0),
        Known(at(-50), "low", "close", 80.0),
        Known(at(-50), "low", "intraday", 70.0),
    )
    held = replace(closes(100, 90, 210, 180), before=known)
    deepest, other = worst_falls(held, date.min)
    assert deepest.depth_pct == pytest.approx(-60)
    assert (deepest.start, deepest.trough, deepest.recovery) == (at(-70), at(-50), at(2))
    assert (other.start, other.trough, other.recovery) == (at(2), at(3), None)
    assert worst_falls(held, at(1)) == worst_falls(replace(closes(100, 90, 210, 180)), at(1))


def test_a_peak_regained_in_a_time_without_bars_tells_no_fall() -> None:
    known = (Known(at(-70), "peak", "close", 90.0), Known(at(-50), "low", "close", 80.0))
    assert worst_falls(replace(closes(100, 101), before=known), date.min) == ()


def test_a_card_says_since_when_it_knows_what() -> None:
    known = (Known(at(-500), "low", "close", 5.0), Known(at(-200), "peak", "close", 200.0))
    held = replace(closes(100, 150), before=known)
    card = drawdown_card(ANY, held, at(1), "52w")
    assert (card.since, card.falls_since) == (date(2021, 1, 4), at(0))
    card = drawdown_card(ANY, held, at(1), "all")
    assert (card.since, card.falls_since) == (at(-500), at(0))
    quote = quote_card(ANY, held, at(1), NO_CALENDAR)
    assert (quote.since, quote.knows_a_year) == (at(-500), True)
    young = drawdown_card(ANY, replace(held, before=known[1:]), at(1), "52w")
    assert young.since == at(-200)
    bare = drawdown_card(ANY, closes(100, 150), at(1), "52w")
    assert (bare.since, bare.falls_since) == (at(0), None)
    assert not quote_card(ANY, closes(100, 150), at(1), NO_CALENDAR).knows_a_year


def test_a_streak_that_may_have_begun_before_the_bars_is_not_known() -> None:
    known = (Known(at(-70), "peak", "close", 90.0),)
    assert count(replace(closes(10, 11, 12), before=known)) == 0
    assert count(replace(closes(10, 9, 11, 12), before=known)) == 2


def test_the_next_steps_are_those_not_reached_now() -> None:
    card = drawdown_card(ANY, closes(100, 50, 60), at(2), "all")
    assert card.next_drawdown is not None
    assert card.next_off_low is not None
    assert (card.next_drawdown.pct, card.next_drawdown.level) == (50, 50)
    assert (card.next_off_low.pct, card.next_off_low.level) == (30, 65)
    deep = drawdown_card(ANY, closes(100, 5, 9), at(2), "all")
    assert (deep.next_drawdown, deep.next_off_low) == (None, None)


def test_a_range_tells_whether_a_year_is_known() -> None:
    day = closes(10, 20, 15)
    year = quote_card(ANY, day, at(2), NO_CALENDAR).year
    assert year is not None
    assert (year.position_pct, year.since, year.reference) == (50, START, "close")
    longer = Series("X", (Bar(at(-400), 5), *day.bars))
    year = quote_card(ANY, longer, at(2), NO_CALENDAR).year
    assert year is not None
    assert (year.low.value, year.since) == (10, None)
    assert quote_card(ANY, closes(10, 10), at(1), NO_CALENDAR).year is None


def test_a_volume_is_compared_only_with_twenty_known_ones() -> None:
    bars = tuple(Bar(at(day), 10 + day, volume=100) for day in range(20))
    now = Bar(at(20), 40, volume=150)
    assert quote_card(ANY, Series("X", (*bars, now)), at(20), NO_CALENDAR).volume_ratio == 1.5
    assert quote_card(ANY, Series("X", (*bars[1:], now)), at(20), NO_CALENDAR).volume_ratio is None
    silent = replace(now, volume=None)
    assert quote_card(ANY, Series("X", (*bars, silent)), at(20), NO_CALENDAR).volume_ratio is None


def test_a_gap_needs_an_open_and_a_close_before() -> None:
    series = Series("X", (Bar(at(0), 10), Bar(at(1), 12, 11, 12, 11)))
    assert quote_card(ANY, series, at(1), NO_CALENDAR).gap_pct == pytest.approx(10)
    assert quote_card(ANY, closes(10, 11), at(1), NO_CALENDAR).gap_pct is None
    alone = Series("X", series.bars[1:])
    assert quote_card(ANY, alone, at(1), NO_CALENDAR).gap_pct is None
