"""Measures of made-up bars, figure by figure, and what is said of each that is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import stdev

import pytest

from bot.market.bars import Bar, Calendar, Known, Series
from bot.market.instrument import Instrument
from bot.market.twins import Twin
from bot.rules.columns import Now, Scene
from bot.rules.measures import (
    Against,
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Drawdown,
    FromCost,
    Gap,
    Measure,
    OffLow,
    Position,
    Premium,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
    Spread,
    Streak,
    Volume,
)
from bot.rules.terms import NewExtreme
from bot.rules.truth import Unknown, Value

X = Instrument("X", "stock", "XHKG", "HKD", short="X")
Y = Instrument("Y", "stock", "XHKG", "HKD", short="Y")
ADR = Instrument("ADR", "stock", "XNYS", "USD", short="ADR")
RATE = Instrument("HKD=X", "other", "XXXX", "HKD", short="USD/HKD")
CAST = {each.symbol: each for each in (X, Y, ADR, RATE)}
START = date(2022, 1, 3)
CLOSES = (10.0, 12.0, 11.0, 11.0, 13.0, 14.0, 9.0, 10.0)


def day(number: int) -> date:
    return START + timedelta(days=number)


def series(*closes: float, symbol: str = "X", skip: tuple[int, ...] = ()) -> Series:
    bars = tuple(Bar(day(number), close) for number, close in enumerate(closes) if number not in skip)
    return Series(symbol, bars)


def sessions(count: int) -> Calendar:
    every = tuple(day(number) for number in range(count))
    return Calendar({"HK": every, "US": every})


def scene(
    own: Series,
    *others: Series,
    calendar: Calendar | None = None,
    now: Now | None = None,
    members: tuple[str, ...] = (),
    twins: tuple[Twin, ...] = (),
) -> Scene:
    held: Mapping[str, Series] = {each.symbol: each for each in (own, *others)}
    return Scene(
        CAST[own.symbol],
        own,
        calendar or Calendar({}),
        lambda symbol: (CAST[symbol], held[symbol]) if symbol in held else None,
        lambda index, session: members if (index, session) == ("I", own.bars[-1].session) else (),
        now,
        twins,
    )


def column(made: Scene, measure: Measure) -> list[float | None]:
    return [None if math.isnan(each) else each for each in made.column(measure).tolist()]


def why(value: Value) -> str:
    assert isinstance(value, Unknown)
    return value.why


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_move_in_deviations_is_of_the_log_returns_before_it(count: int) -> None:
    returns = [math.log(after / before) for before, after in pairwise(CLOSES)]
    wanted: list[float | None] = [None] * (count + 1)
    wanted += [returns[at] / stdev(returns[at - count : at]) for at in range(count, len(returns))]
    whole = series(*CLOSES)
    assert column(scene(whole), Sigmas(count)) == [
        None if each is None else pytest.approx(each) for each in wanted
    ]
    assert scene(whole).value(Sigmas(count)) == pytest.approx(wanted[-1])
    # Live, the deviation is worked out of the settled bars once, and the move is of the last price.
    settled = series(*CLOSES[:-1])
    now = Now(datetime(2022, 1, 10, 4, 0, tzinfo=UTC), CLOSES[-1], final=False)
    for price in (CLOSES[-1], 20.0):
        live = scene(settled.with_bar(Bar(day(len(CLOSES) - 1), price)), now=replace(now, price=price))
        move = math.log(price / CLOSES[-2]) / stdev(returns[-count - 1 : -1])
        assert live.value(Sigmas(count)) == pytest.approx(move)
    assert settled.with_bar(Bar(day(7), 1.0)).settled is not None


def test_two_spans_of_deviations_of_one_series_are_kept_apart() -> None:
    whole = series(*CLOSES)
    first = [scene(whole).column(Sigmas(count))[-1] for count in (2, 3, 2)]
    assert first[0] == first[2]
    assert first[0] != pytest.approx(first[1])
    live = series(*CLOSES[:-1]).with_bar(Bar(day(7), CLOSES[-1]))
    assert [scene(live).value(Sigmas(count)) for count in (2, 3)] == pytest.approx(first[:2])


def test_a_streak_is_counted_from_the_close_that_turned() -> None:
    assert column(scene(series(*CLOSES)), Streak()) == [0, 1, -1, 0, 1, 2, -1, 1]
    assert column(scene(series(3, 2, 1, 1, 1, 2)), Streak()) == [0, -1, -2, 0, 0, 1]
    assert column(scene(series(5)), Streak()) == [0]
    for end in range(1, len(CLOSES) + 1):
        made = scene(series(*CLOSES[:end]))
        assert made.value(Streak()) == column(made, Streak())[-1]


def test_a_streak_that_the_first_bar_may_have_begun_is_not_counted() -> None:
    older = replace(series(10, 11, 12, 11, 12), before=(Known(date(2021, 6, 1), "low", "close", 5.0),))
    assert column(scene(older), Streak()) == [0, 0, 0, -1, 1]


def test_a_streak_is_broken_where_a_session_of_its_market_is_missing() -> None:
    gap = series(10, 11, 12, 13, 14, skip=(2,))
    assert scene(gap).value(Streak()) == 3
    assert scene(gap, calendar=sessions(5)).value(Streak()) == 1
    assert column(scene(gap, calendar=sessions(5)), Streak()) == [0, 1, 0, 1]
    assert scene(gap, calendar=Calendar({"US": sessions(5).sessions["US"]})).value(Streak()) == 3


def test_a_change_over_sessions_is_known_where_none_in_between_is_missing() -> None:
    gap = series(10, 11, 12, 13, 14, 15, 16, skip=(2,))
    held = sessions(7)
    made = scene(gap, calendar=held)
    about = pytest.approx
    assert column(made, Change(1, "sessions")) == [
        None, about(10), None, about(100 / 13), about(100 / 14), about(100 / 15)
    ]  # fmt: skip
    assert column(made, Change(2, "sessions")) == [None] * 4 + [about(200 / 13), about(200 / 14)]
    assert made.value(Change(2, "sessions")) == pytest.approx(200 / 14)
    assert why(made.value(Change(4, "sessions"))) == "a session before it, 5 Jan 2022, is missing"
    assert why(made.value(Change(6, "sessions"))) == "only 5 of 6 sessions before it are held"
    two = scene(series(10, 11, 12, 13, 14, 15, 16, skip=(1, 3)), calendar=held)
    assert why(two.value(Change(4, "sessions"))) == "a session before it, 6 Jan 2022, is missing"
    assert two.value(Change(2, "sessions")) == pytest.approx(200 / 14)
    halted = replace(gap, untraded=(day(2),))
    assert scene(halted, calendar=held).value(Change(4, "sessions")) == pytest.approx(500 / 11)
    abroad = scene(gap, calendar=Calendar({"US": held.sessions["US"]}))
    assert abroad.value(Change(4, "sessions")) == pytest.approx(500 / 11)


def test_a_change_over_minutes_is_wanting_its_price_then_or_any_at_all() -> None:
    now = Now(datetime(2022, 1, 10, 4, 0, tzinfo=UTC), 10.0, final=False)
    live = scene(series(9).with_bar(Bar(day(1), 10.0)), now=now)
    assert why(live.value(Change(30, "m"))) == "the price of 30m ago is not known"
    assert why(live.value(Change(2, "h"))) == "the price of 2h ago is not known"
    assert why(scene(series(9, 10)).value(Change(30, "m"))) == "daily bars do not tell minutes"


def test_a_change_since_a_date_begins_after_it_with_the_close_up_to_it() -> None:
    gap = series(10, 11, 12, 13, 14, skip=(2,))
    assert column(scene(gap), ChangeSince(day(2))) == [
        None,
        None,
        pytest.approx(200 / 11),
        pytest.approx(300 / 11),
    ]
    lost = scene(gap, calendar=sessions(5))
    assert column(lost, ChangeSince(day(2))) == [None] * 4
    assert why(lost.value(ChangeSince(day(2)))) == "the session of 5 Jan 2022 is missing"
    assert why(lost.value(ChangeSince(day(-1)))) == "its bars begin on 3 Jan 2022"
    assert why(lost.value(ChangeSince(day(4)))) == "no session after 7 Jan 2022 is held"
    halted = scene(replace(gap, untraded=(day(2),)), calendar=sessions(5))
    assert halted.value(ChangeSince(day(2))) == pytest.approx(300 / 11)
    assert lost.value(ChangeSince(day(1))) == pytest.approx(300 / 11)


def test_volume_is_against_the_average_of_the_sessions_before() -> None:
    bars = tuple(Bar(day(number), 10.0, volume=each) for number, each in enumerate((4.0, 8.0, 6.0, 9.0)))
    made = scene(Series("X", bars))
    assert column(made, Volume(2)) == [None, None, 1.0, pytest.approx(9 / 7)]
    assert why(made.value(Volume(4))) == "only 3 of 4 sessions before it are held"
    none = scene(Series("X", (*bars[:-1], replace(bars[-1], volume=None))))
    assert why(none.value(Volume(2))) == "its volume is not known"
    for lost in (None, 0.0):
        hole = scene(Series("X", (bars[0], replace(bars[1], volume=lost), *bars[2:])))
        assert why(hole.value(Volume(2))) == "the volume of one of the 2 sessions before it is not known"
        assert hole.value(Volume(1)) == 1.5
    now = Now(datetime(2022, 1, 6, 4, 0, tzinfo=UTC), 10.0, final=False)
    live = Series("X", bars[:-1]).with_bar(bars[-1])
    assert why(scene(live, now=now).value(Volume(2))) == (
        "how its volume comes over a day is known after 5 sessions; until then, at the close alone"
    )
    assert scene(live, now=replace(now, final=True)).value(Volume(2)) == pytest.approx(9 / 7)
    assert scene(live, now=replace(now, volume_share=0.5)).value(Volume(2)) == pytest.approx(18 / 7)


def test_a_place_in_a_window_is_between_its_intraday_low_and_high() -> None:
    def bar(number: int, low: float, close: float, high: float) -> Bar:
        return Bar(day(number), close, close, high, low)

    own = Series("X", (bar(0, 8, 9, 16), bar(1, 9, 10, 12), bar(2, 9, 12, 13)))
    assert column(scene(own), Position("all")) == [None, 25.0, 50.0]
    assert why(scene(Series("X", own.bars[:1])).value(Position("all"))) == (
        "its window holds no session before this one"
    )
    flat = Series("X", (bar(0, 9, 9, 9), bar(1, 9, 9, 9)))
    assert why(scene(flat).value(Position("all"))) == "its window has no range"
    # The window of a month holds no session before its first, and a new low of the session widens any.
    february = Series("X", (bar(0, 8, 9, 16), bar(29, 4, 10, 12)))
    assert why(scene(february).value(Position("mtd"))) == "its window holds no session before this one"
    assert scene(february).value(Position("all")) == 50.0
    # What is known of the closes before the bars is no range.
    closes = replace(flat, before=(Known(date(2021, 6, 1), "low", "close", 5.0),))
    assert why(scene(closes).value(Position("all"))) == "its window has no range"


def test_a_distance_from_an_extreme_counts_the_sessions_own() -> None:
    own = Series("X", (Bar(day(0), 10.0, 10.0, 12.0, 8.0), Bar(day(1), 9.0, 9.0, 20.0, 6.0)))
    made = scene(own)
    assert made.value(OffLow("all")) == 0
    assert made.value(OffLow("all", "intraday")) == pytest.approx(50)
    assert made.value(Drawdown("all")) == pytest.approx(10)
    assert made.value(Drawdown("all", "intraday")) == pytest.approx(55)
    assert column(made, Drawdown("all", "intraday")) == [None, pytest.approx(55)]
    high = scene(Series("X", (own.bars[0], replace(own.bars[1], close=11.0, high=11.5))))
    assert high.value(Drawdown("all")) == 0
    assert high.value(Drawdown("all", "intraday")) == pytest.approx(100 / 12)
    first = scene(Series("X", own.bars[:1]))
    for measure in (OffLow("all"), Drawdown("ytd", "intraday")):
        assert why(first.value(measure)) == "its window holds no session before this one"
    assert why(first.value(Rsi(3))) == "only 0 of 3 sessions before it are held"


def test_levels_of_adjusted_bars_were_not_traded() -> None:
    restated = Series("X", tuple(replace(each, adjusted=True) for each in series(10, 11, 12).bars))
    reason = "its bars are adjusted for dividends, and their levels were not traded"
    for measure in (Price(), FromCost(10.0), Average("sma", 2)):
        assert why(scene(restated).value(measure)) == reason
    fresh = series(10, 11, 12, symbol="Y")
    assert why(scene(restated, fresh).value(Ratio("Y"))) == reason
    assert why(scene(restated, fresh).value(Spread("Y"))) == reason
    own = replace(restated, symbol="Y")
    assert why(scene(own, series(10, 11, 12)).value(Ratio("X"))) == reason
    both = scene(series(10, 11, 12), replace(restated, symbol="Y"))
    assert why(both.value(Ratio("Y"))) == "the bars of Y are adjusted for dividends"
    assert scene(restated).value(Day()) == pytest.approx(100 / 11)


def test_an_average_and_an_rsi_say_how_many_sessions_are_wanting() -> None:
    made = scene(series(10, 11))
    assert why(made.value(Average("sma", 3))) == "only 2 of 3 sessions are held"
    assert made.value(Average("sma", 2)) == 10.5
    assert why(made.value(Rsi(2))) == "only 1 of 2 sessions before it are held"
    assert why(scene(series(10, 10, 10)).value(Rsi(2))) == "its price has not moved"


def test_what_is_compared_with_another_needs_both_closes_before() -> None:
    own, other = series(10, 11, 12.1), series(10, 10, 11.0, symbol="Y")
    made = scene(own, other)
    assert made.value(Against("Y")) == pytest.approx(0)
    assert column(made, Against("Y")) == [None, pytest.approx(10), pytest.approx(0)]
    assert made.value(Ratio("Y")) == pytest.approx(1.1)
    assert made.value(Spread("Y")) == pytest.approx(1.1)
    gap = scene(series(10, 11, 12.1, skip=(1,)), other, calendar=sessions(3))
    lost = "the bar of the previous session, 2022-01-04, is missing for"
    assert why(gap.value(Against("Y"))) == f"{lost} X"
    theirs = scene(own, series(10, 10, 11.0, symbol="Y", skip=(1,)), calendar=sessions(3))
    assert why(theirs.value(Against("Y"))) == f"{lost} Y"
    abroad = Calendar({"US": sessions(3).sessions["US"]})
    assert scene(own, series(10, 10, 11.0, symbol="Y", skip=(1,)), calendar=abroad).value(
        Against("Y")
    ) == pytest.approx(0)
    late = scene(own, series(10, 10, symbol="Y"))
    assert why(late.value(Against("Y"))) == "no close of Y is known for 5 Jan 2022"
    assert why(scene(own).value(Ratio("Y"))) == "no price of Y is known"
    first = scene(series(11), series(10, symbol="Y"))
    assert why(first.value(Against("Y"))) == "X has no session before 2022-01-03"


def test_breadth_passes_over_a_member_of_which_nothing_is_held() -> None:
    own = series(10, 11, 12.1)
    made = scene(own, series(10, 10, 11.0, symbol="Y"), members=("ADR", "Y", "X"))
    assert made.value(Breadth("I", "up", 10.0)) == 2
    assert made.value(Breadth("I", "up", 10.1)) == 0
    assert why(made.value(Breadth("J", "up", 10.0))) == "no constituent of J is watched"
    unknown = scene(own, members=("Y",))
    assert why(unknown.value(Breadth("I", "up", 10.0))) == (
        "no watched constituent of I is known to have traded on 5 Jan 2022"
    )


def test_breadth_counts_a_move_of_just_so_much_and_no_move_of_nothing() -> None:
    own = series(10, 10.2, 10.2)
    made = scene(own, series(1.1, 1.1, 1.111, symbol="Y"), members=("X", "Y"))
    assert made.value(Breadth("I", "up", 1.0)) == 1
    assert made.value(Breadth("I", "up", 0.0)) == 1
    assert made.value(Breadth("I", "down", 0.0)) == 0


TWINS = (Twin("X", "ADR", 2, day(0)),)


def _lines(adr_adjusted: bool = False) -> tuple[Series, Series, Series]:
    hong_kong = Series("X", tuple(Bar(day(number), 20.0, 19.0) for number in range(3)))
    new_york = Series(
        "ADR",
        tuple(Bar(day(number), 5.2, adjusted=adr_adjusted and number == 2) for number in range(3)),
    )
    return hong_kong, new_york, Series("HKD=X", tuple(Bar(day(number), 7.8) for number in range(3)))


def test_what_is_wanting_of_a_premium_is_said() -> None:
    hong_kong, new_york, rate = _lines()
    made = scene(new_york, hong_kong, rate, twins=TWINS)
    assert made.value(Premium()) == pytest.approx((5.2 * 7.8 / 40 - 1) * 100)
    assert why(made.value(Premium("premium at open"))) == "Hong Kong does not open while New York trades"
    at_home = scene(hong_kong, new_york, rate, twins=TWINS)
    assert at_home.value(Premium("premium at open")) == pytest.approx((5.2 * 7.8 / 38 - 1) * 100)
    assert why(at_home.value(Premium("implied gap"))) == "Hong Kong has opened since New York’s close"
    young = (replace(TWINS[0], since=day(3)),)
    assert why(scene(new_york, hong_kong, rate, twins=young).value(Premium())) == (
        "no other line of ADR is known"
    )
    today = (replace(TWINS[0], since=day(2)),)
    assert scene(new_york, hong_kong, rate, twins=today).value(Premium()) == pytest.approx(1.4)
    assert why(scene(new_york, hong_kong, rate, twins=today).value(Premium("premium at open"))) == (
        "Hong Kong does not open while New York trades"
    )
    assert why(scene(new_york, rate, twins=TWINS).value(Premium())) == "no price of X is known"
    assert why(scene(new_york, hong_kong, twins=TWINS).value(Premium())) == "no price of HKD=X is known"
    old = replace(rate, bars=rate.bars[:1])
    assert why(scene(new_york, hong_kong, old, twins=TWINS).value(Premium())) == (
        "the bars held do not tell that one side traded after the other, at a rate that is known"
    )


def test_a_premium_needs_levels_that_were_traded_on_both_sides() -> None:
    hong_kong, new_york, rate = _lines(adr_adjusted=True)
    reason = "its bars are adjusted for dividends, and their levels were not traded"
    assert why(scene(new_york, hong_kong, rate, twins=TWINS).value(Premium())) == reason
    fresh = _lines()[1]
    restated = replace(hong_kong, bars=(*hong_kong.bars[:2], replace(hong_kong.bars[2], adjusted=True)))
    assert why(scene(fresh, restated, rate, twins=TWINS).value(Premium())) == (
        "the bars of X are adjusted for dividends"
    )
    long_ago = replace(hong_kong, bars=(replace(hong_kong.bars[0], adjusted=True), *hong_kong.bars[1:]))
    assert scene(fresh, long_ago, rate, twins=TWINS).value(Premium()) == pytest.approx(1.4)


@pytest.mark.parametrize("rate,known", [(7.7, True), (7.9, True), (7.69, False), (7.91, False)])
def test_a_rate_of_hong_kongs_dollar_is_from_seven_seventy_to_seven_ninety(rate: float, known: bool) -> None:
    hong_kong, new_york, held = _lines()
    asked = replace(held, bars=tuple(replace(each, close=rate) for each in held.bars))
    found = scene(new_york, hong_kong, asked, twins=TWINS).value(Premium())
    assert isinstance(found, float) == known
    if known:
        assert found == pytest.approx((5.2 * rate / 40 - 1) * 100)


def test_a_premium_is_not_known_while_a_close_in_between_may_be_missing() -> None:
    hong_kong, new_york, rate = _lines()
    every = sessions(3)
    short = replace(new_york, bars=(new_york.bars[0], new_york.bars[2]))
    last = scene(hong_kong, short, rate, calendar=every, twins=TWINS)
    wanting = "the bars held do not tell that one side traded after the other, at a rate that is known"
    assert why(last.value(Premium())) == wanting
    halted = replace(short, untraded=(day(1),))
    assert why(scene(hong_kong, halted, rate, calendar=every, twins=TWINS).value(Premium())) == wanting
    assert scene(hong_kong, new_york, rate, calendar=every, twins=TWINS).value(Premium()) == pytest.approx(
        1.4
    )
    lost = replace(hong_kong, bars=hong_kong.bars[:2])
    assert why(scene(new_york, lost, rate, calendar=every, twins=TWINS).value(Premium())) == wanting
    assert scene(new_york, lost, rate, twins=TWINS).value(Premium()) == pytest.approx(1.4)


def test_without_bars_nothing_is_known() -> None:
    empty = Scene(X, Series("X", ()), Calendar({}), lambda _: None, lambda index, session: ())
    for measure in (Price(), Day(), Gap(), SinceTold(), Streak(), Rsi(), Against("Y"), Breadth("I", "up", 1)):
        assert why(empty.value(measure)) == "no bars are held"
    assert empty.holds(NewExtreme("low", "all"), loose=True) == Unknown("no bars are held")


def test_a_new_extreme_that_no_window_can_be_asked_about_is_not_known() -> None:
    for own in (series(10), series(10).with_bar(Bar(day(0), 9.0))):
        for loose in (False, True):
            assert scene(own).holds(NewExtreme("low", "all"), loose=loose) == Unknown(
                "its window holds no session before this one"
            )
    lower = scene(series(10, 9))
    assert lower.holds(NewExtreme("low", "all"), loose=False) is True
    assert lower.holds(NewExtreme("peak", "all"), loose=True) is False
    assert scene(series(10, 9, 9.5)).holds(NewExtreme("low", "all"), loose=False) is False
    assert scene(series(10, 9, 9.5)).holds(NewExtreme("low", "all"), loose=True) is True
    assert lower.touch_column(up=True).tolist() == [10.0, 9.0]
