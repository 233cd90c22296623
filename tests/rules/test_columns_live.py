from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from bot.market.bars import Bar, Calendar, Series
from bot.market.instrument import Instrument
from bot.rules.columns import Now, Scene
from bot.rules.measures import (
    Change,
    Day,
    Drawdown,
    Measure,
    OffLow,
    Position,
    Premium,
    PremiumKind,
    Rsi,
    SinceTold,
    Streak,
    Volume,
)
from bot.rules.terms import NewExtreme, Story
from bot.rules.truth import Unknown, Value
from tests.rules.recorded_scene import recorded, scene

ANY = Instrument("X", "stock", "XHKG", "HKD", short="X")
START = date(2022, 1, 3)
NOON = datetime(2022, 3, 23, 4, 0, tzinfo=UTC)
OPEN = Now(NOON, 12.0, final=False)


def session(series: Series, bar: Bar, now: Now = OPEN) -> Scene:
    """Put the session so far on a series, and look."""
    return Scene(ANY, series.with_bar(bar), Calendar({}), lambda symbol: None, lambda index, day: (), now)


def history(*prices: float, volume: float | None = None) -> Series:
    return Series(
        "X", tuple(Bar(START + timedelta(day), each, volume=volume) for day, each in enumerate(prices))
    )


TODAY = Bar(START + timedelta(days=9), 12.0, 10.5, 13.0, 9.0, 600.0)


def test_a_streak_counts_today_only_once_its_close_is_final() -> None:
    assert session(history(8, 9, 10), TODAY).value(Streak()) == 2
    assert session(history(8, 9, 10), TODAY, replace(OPEN, final=True)).value(Streak()) == 3
    assert session(history(10, 9, 8), TODAY).value(Streak()) == -2
    assert session(history(), TODAY).value(Streak()) == 0


def test_volume_is_compared_with_the_share_of_a_day_that_is_usual_by_this_time() -> None:
    held = history(8, 9, 10, volume=1000.0)
    assert session(held, TODAY, replace(OPEN, volume_share=0.25)).value(Volume(3)) == pytest.approx(2.4)
    assert session(held, TODAY, replace(OPEN, final=True)).value(Volume(3)) == pytest.approx(0.6)
    unknown = Unknown(
        "how its volume comes over a day is known after 5 sessions; until then, at the close alone"
    )
    assert session(held, TODAY).value(Volume(3)) == unknown
    assert session(held, TODAY, replace(OPEN, volume_share=0.0)).value(Volume(3)) == unknown


def test_a_change_over_minutes_is_against_the_price_that_stood_then() -> None:
    trail = tuple(
        (NOON - timedelta(minutes=back), price) for back, price in ((90, 8.0), (31, 10.0), (29, 11.0))
    )
    made = session(history(8), TODAY, replace(OPEN, trail=trail))
    assert made.value(Change(30, "m")) == pytest.approx(20)
    assert made.value(Change(29, "m")) == pytest.approx(100 / 11)
    assert made.value(Change(1, "h")) == pytest.approx(50)
    assert made.value(Change(2, "h")) == Unknown("the price of 2h ago is not known")
    column = made.column(Change(30, "m"))
    assert np.isnan(column[0])
    assert column[1] == pytest.approx(20)


def test_a_rule_that_told_compares_with_that_price_and_one_that_never_did_with_the_close_before() -> None:
    assert session(history(8, 10), TODAY).value(SinceTold()) == pytest.approx(20)
    made = session(history(8, 10), TODAY, replace(OPEN, told=16.0))
    assert made.value(SinceTold()) == pytest.approx(-25)
    assert made.column(SinceTold())[1:].tolist() == [pytest.approx(25), pytest.approx(-25)]


def test_premiums_are_what_the_look_was_told_of_them() -> None:
    known: dict[PremiumKind, Value] = {
        "premium": 1.5,
        "premium at open": Unknown("Hong Kong’s opening price is not known"),
    }
    made = session(history(8), TODAY, replace(OPEN, premiums=known))
    assert made.value(Premium()) == 1.5
    assert made.value(Premium("premium at open")) == known["premium at open"]
    assert made.value(Premium("implied gap")) == Unknown("no implied gap is known")
    assert made.column(Premium())[-1] == 1.5


def test_a_story_holds_for_its_hours_and_no_bar_tells_of_one() -> None:
    story = Story("buyback", 24)
    last = {"buyback": NOON - timedelta(hours=24)}
    assert session(history(8), TODAY, replace(OPEN, stories=last)).holds(story, loose=False) is True
    assert session(history(8), TODAY, replace(OPEN, stories=last)).held_column(
        story, loose=False
    ).tolist() == [-1, 1]
    late = replace(OPEN, stories=last, time=NOON + timedelta(seconds=1))
    assert session(history(8), TODAY, late).holds(story, loose=True) is False
    assert session(history(8), TODAY).holds(story, loose=False) is False
    settled = scene("HSTECH")
    assert settled.holds(story, loose=False) == Unknown("bars do not tell of news")
    assert set(settled.held_column(story, loose=False).tolist()) == {-1}


def test_the_range_of_the_session_counts_towards_intraday_extremes_and_the_last_price_towards_closes() -> (
    None
):
    made = session(history(10, 11, 9.5), TODAY)
    assert made.value(OffLow("all", "intraday")) == pytest.approx(100 / 3)
    assert made.value(OffLow("all")) == pytest.approx((12 / 9.5 - 1) * 100)
    assert made.value(Drawdown("all", "intraday")) == pytest.approx(100 / 13)
    assert made.value(Drawdown("all")) == 0
    assert made.value(Position("all")) == pytest.approx(75)
    assert made.holds(NewExtreme("low", "all", "intraday"), loose=False) is True
    assert made.holds(NewExtreme("low", "all"), loose=False) is False
    assert made.holds(NewExtreme("peak", "all"), loose=False) is True
    unknown = made.holds(NewExtreme("peak", "1d"), loose=False)
    assert unknown == Unknown("its window holds no session before this one")


def test_only_the_last_row_of_a_live_column_is_of_the_look() -> None:
    settled = recorded()["HSTECH"]
    bar = replace(settled.bars[-1], session=settled.bars[-1].session + timedelta(days=1), close=5000.0)
    made = scene("HSTECH", settled.with_bar(bar), replace(OPEN, price=5000.0))
    measures: tuple[Measure, ...] = (Day(), Streak(), Rsi(), Position("52w"))
    for measure in measures:
        column = made.column(measure)
        assert np.array_equal(column[:-1], scene("HSTECH").column(measure), equal_nan=True)
        assert column[-1] == made.value(measure)
