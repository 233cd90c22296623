from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Known, Reference, Series, Side
from bot.market.extremes import price_of
from bot.market.instrument import Instrument
from bot.market.measures import quote_card
from bot.rules.columns import Now, Scene
from bot.rules.measures import (
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
    Streak,
    Volume,
)
from bot.rules.terms import NewExtreme, Story
from bot.rules.truth import Unknown
from tests.rules.columns_by_hand import MEASURES, NEVER_KNOWN, by_hand, extreme_before
from tests.rules.recorded_scene import known_at, recorded, scene

SYMBOLS = tuple(sorted(recorded()))
EXTREMES: tuple[NewExtreme, ...] = (
    NewExtreme("low", "52w"),
    NewExtreme("peak", "all", "intraday"),
    NewExtreme("low", "mtd", "intraday"),
    NewExtreme("peak", "10d"),
)
ANY = Instrument("X", "stock", "XHKG", "HKD", short="X")
START = date(2022, 1, 3)


def closes(*prices: float, adjusted: bool = False) -> Series:
    days = (START + timedelta(days=day) for day in range(len(prices)))
    return Series(
        "X", tuple(Bar(day, price, adjusted=adjusted) for day, price in zip(days, prices, strict=True))
    )


def alone(series: Series, calendar: Calendar | None = None) -> Scene:
    return Scene(ANY, series, calendar or Calendar({}), lambda symbol: None, lambda index, session: ())


def rows(column: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float | None]:
    return [None if math.isnan(each) else each for each in column.tolist()]


@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_a_column_is_row_by_row_what_its_definition_gives_by_hand(measure: Measure) -> None:
    known = 0
    for symbol in ("HSTECH", "0700.HK", "1024.HK", "000001.SS", "BABA", "KWEB"):
        made = scene(symbol)
        column = rows(made.column(measure))
        assert len(column) == len(made.series.bars)
        for index, found in enumerate(column):
            wanted = by_hand(measure, made, index)
            assert found == (None if wanted is None else pytest.approx(wanted, rel=1e-9, abs=1e-9)), index
            known += found is not None
    assert (known == 0) == (measure in NEVER_KNOWN)


@given(st.sampled_from(SYMBOLS), st.sampled_from(MEASURES), st.floats(0, 1, exclude_max=True), st.booleans())
@example("HSTECH", Sigmas(), 0.99, False)
@example("BABA", Breadth("HSTECH", "up", 3.0), 0.9, True)
def test_a_live_look_is_worth_the_last_row_of_any_prefix(
    symbol: str, measure: Measure, part: float, live: bool
) -> None:
    whole = recorded()[symbol]
    index = int(part * len(whole.bars))
    bar = whole.bars[index]
    series, now = whole.until(bar.session), None
    if live and index:
        series = whole.until(whole.bars[index - 1].session).with_bar(bar)
        now = Now(datetime(2022, 3, 23, tzinfo=UTC), bar.close, final=True)
    others = known_at(scene(symbol).instrument, bar.session)
    made = scene(symbol, series, now, others)
    value = made.value(measure)
    column = rows(scene(symbol).column(measure))
    assert (None if isinstance(value, Unknown) else value) == column[index]
    assert rows(made.column(measure))[-1] == column[index]
    if isinstance(value, Unknown):
        assert value.why
        assert not value.why.endswith(".")


@pytest.mark.parametrize("atom", EXTREMES, ids=str)
def test_a_new_extreme_goes_beyond_its_window_and_remains_loosely_new_for_twenty_sessions(
    atom: NewExtreme,
) -> None:
    for symbol in ("HSTECH", "9988.HK", "BABA"):
        made, wanted = scene(symbol), []
        for index, bar in enumerate(made.series.bars):
            before = extreme_before(made, index, atom.window, atom.reference, atom.side)
            price = price_of(bar, atom.reference, atom.side)
            sign = -1 if atom.side == "low" else 1
            wanted.append(-1 if before is None else int((price - before) * sign > 0))
        assert made.held_column(atom, loose=False).tolist() == wanted
        assert 1 in wanted
        loosely = [
            1 if 1 in wanted[max(index - 20, 0) : index + 1] else each for index, each in enumerate(wanted)
        ]
        assert made.held_column(atom, loose=True).tolist() == loosely


@given(st.sampled_from(SYMBOLS), st.sampled_from(EXTREMES), st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_live_look_holds_an_extreme_for_new_as_the_last_row_does(
    symbol: str, atom: NewExtreme, part: float, loose: bool
) -> None:
    whole = recorded()[symbol]
    index = int(part * len(whole.bars))
    bar = whole.bars[index]
    row = scene(symbol).held_column(atom, loose=loose)[index]
    wanted = None if row == -1 else bool(row)
    series = whole.until(bar.session)
    for held in (series, whole.until(bar.session - timedelta(days=1)).with_bar(bar)):
        found = scene(symbol, held).holds(atom, loose=loose)
        assert (None if isinstance(found, Unknown) else found) is wanted


def test_the_numbers_of_23_march_2022_are_those_that_every_desk_said() -> None:
    made = scene("HSTECH", recorded()["HSTECH"].until(date(2022, 3, 23)))
    wanted: dict[Measure, float] = {
        Price(): 4749.12,
        Day(): 2.05,
        Streak(): 2,
        Drawdown("all"): 56.61,
        Drawdown("all", "intraday"): 56.83,
        Drawdown("52w"): 44.58,
        OffLow("52w"): 36.77,
        OffLow("52w", "intraday"): 37.12,
        Change(1, "sessions"): 2.05,
    }
    found = {measure: made.value(measure) for measure in wanted}
    assert {each: round(value, 2) for each, value in found.items() if isinstance(value, float)} == wanted
    normal = scene("1810.HK", recorded()["1810.HK"].until(date(2022, 3, 23)))
    card = quote_card(normal.instrument, normal.series, date(2022, 3, 23), normal.calendar)
    sigmas, position = normal.value(Sigmas()), normal.value(Position("52w"))
    assert isinstance(sigmas, float)
    assert isinstance(position, float)
    assert math.log(14.78 / 14.20) / sigmas * 100 == pytest.approx(card.normal_day_pct)
    assert round(position) == 18
    gap = normal.value(Gap())
    assert isinstance(gap, float)
    assert round(gap, 1) == 5.9


def test_a_step_by_touch_is_seen_in_the_range_and_a_level_that_was_not_traded_is_none() -> None:
    made = scene("HSTECH")
    bars = made.series.bars
    assert made.touch_column(up=True).tolist() == [each.top for each in bars]
    assert made.touch_column(up=False).tolist() == [each.bottom for each in bars]
    assert np.isnan(scene("BABA").touch_column(up=True)).all()


def test_percentages_hold_on_adjusted_bars_and_levels_do_not() -> None:
    made = alone(closes(10, 11, 12, adjusted=True))
    assert made.value(Day()) == pytest.approx(100 / 11)
    assert made.value(Drawdown("all")) == 0
    assert made.value(Rsi(2)) == 100
    levels: tuple[Measure, ...] = (Price(), FromCost(10), Average("sma", 2), Average("ema", 2))
    for measure in levels:
        assert made.value(measure) == Unknown(
            "its bars are adjusted for dividends, and their levels were not traded"
        )


def test_an_average_is_known_again_once_all_that_it_spans_was_traded() -> None:
    old, new = closes(1, 2, 3, adjusted=True), closes(1, 2, 3, 4, 5, 6)
    series = replace(new, bars=(*old.bars, *new.bars[3:]))
    assert rows(alone(series).column(Average("sma", 2))) == [None, None, None, None, 4.5, 5.5]


def test_a_day_is_measured_against_the_close_restated_for_a_large_distribution() -> None:
    action = Action(START + timedelta(days=1), "distribution", amount=1.0)
    made = alone(replace(closes(10, 9.9), actions=(action,)))
    assert made.value(Day()) == pytest.approx(10)
    assert made.value(Change(1, "sessions")) == pytest.approx(-1)


def test_a_change_over_a_session_that_may_be_missing_is_not_known_but_one_without_trading_is() -> None:
    whole = closes(10, 11, 12, 13)
    series = replace(whole, bars=(*whole.bars[:1], *whole.bars[2:]))
    calendar = Calendar({"HK": whole.sessions})
    assert alone(series, calendar).value(Change(2, "sessions")) == Unknown(
        "a session before it, 4 Jan 2022, is missing"
    )
    assert alone(series, calendar).value(Change(1, "sessions")) == pytest.approx(100 / 12)
    halted = replace(series, untraded=(whole.sessions[1],))
    assert alone(halted, calendar).value(Change(2, "sessions")) == pytest.approx(30)


def test_an_extreme_known_of_the_time_before_the_bars_counts_while_it_is_in_the_window() -> None:
    known = (Known(START - timedelta(days=30), "peak", "close", 20.0),)
    made = alone(replace(closes(10, 16), before=known))
    assert made.value(Drawdown("all")) == pytest.approx(20)
    assert made.value(Drawdown("10d")) == 0
    assert rows(made.column(Drawdown("40d"))) == [pytest.approx(50), pytest.approx(20)]


def test_a_streak_that_may_be_older_than_the_bars_is_not_counted() -> None:
    known = (Known(START - timedelta(days=30), "peak", "close", 20.0),)
    assert alone(closes(1, 2, 3, 2, 1)).column(Streak()).tolist() == [0, 1, 2, -1, -2]
    longer = replace(closes(1, 2, 3, 2, 1), before=known)
    assert alone(longer).column(Streak()).tolist() == [0, 0, 0, -1, -2]


def test_no_bars_make_empty_columns_and_no_value() -> None:
    made = alone(Series("X", ()))
    sided: tuple[tuple[Reference, Side], ...] = (("close", "low"), ("intraday", "peak"))
    for measure in (*MEASURES, Ratio("Y"), Volume()):
        assert made.column(measure).tolist() == []
        assert made.value(measure) == Unknown("no bars are held")
    for reference, side in sided:
        atom = NewExtreme(side, "52w", reference)
        assert made.held_column(atom, loose=True).tolist() == []
        assert made.holds(atom, loose=False) == Unknown("no bars are held")
    assert made.held_column(Story("buyback", 24), loose=False).tolist() == []


@pytest.mark.parametrize(
    "measure,why",
    [
        (Day(), "X has no session before 2022-01-03"),
        (Gap(), "X has no session before 2022-01-03"),
        (Sigmas(5), "only 0 of 5 daily returns before it are held"),
        (Change(3, "sessions"), "only 0 of 3 sessions before it are held"),
        (Change(1, "h"), "daily bars do not tell minutes"),
        (ChangeSince(START - timedelta(days=1)), "its bars begin on 3 Jan 2022"),
        (ChangeSince(START), "no session after 3 Jan 2022 is held"),
        (OffLow("52w"), "its window holds no session before this one"),
        (Drawdown("mtd", "intraday"), "its window holds no session before this one"),
        (Position("52w"), "its window holds no session before this one"),
        (Volume(20), "only 0 of 20 sessions before it are held"),
        (Rsi(14), "only 0 of 14 sessions before it are held"),
        (Average("ema", 20), "only 1 of 20 sessions are held"),
        (Premium(), "no other line of X is known"),
    ],
    ids=str,
)
def test_of_a_first_session_it_is_said_what_is_wanting(measure: Measure, why: str) -> None:
    assert alone(closes(10)).value(measure) == Unknown(why)


@pytest.mark.parametrize(
    "measure,why",
    [
        (Gap(), "its opening price is not known"),
        (Sigmas(2), "the 2 daily returns before it do not differ"),
        (Position("all"), "its window has no range"),
        (Volume(3), "its volume is not known"),
        (Rsi(2), "its price has not moved"),
    ],
    ids=str,
)
def test_of_bars_that_do_not_move_it_is_said_what_is_wanting(measure: Measure, why: str) -> None:
    assert alone(closes(10, 10, 10, 10, 10)).value(measure) == Unknown(why)


def test_a_missing_session_and_a_missing_volume_are_named() -> None:
    whole = closes(10, 11, 12, 13)
    series = replace(whole, bars=(*whole.bars[:2], *whole.bars[3:]))
    calendar = Calendar({"HK": whole.sessions})
    reason = "the bar of the previous session, 2022-01-05, is missing for X"
    for measure in (Day(), Sigmas(1)):
        assert alone(series, calendar).value(measure) == Unknown(reason)
    assert alone(series, calendar).value(ChangeSince(whole.sessions[2])) == Unknown(
        "the session of 5 Jan 2022 is missing"
    )
    traded = replace(whole, bars=(*whole.bars[:-1], replace(whole.bars[-1], volume=5.0)))
    assert alone(traded).value(Volume(2)) == Unknown(
        "the volume of one of the 2 sessions before it is not known"
    )
