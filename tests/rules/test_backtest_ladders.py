from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.market.bars import Calendar, Series
from bot.market.instrument import Market, bare_instrument
from bot.market.quote import look_at_bar
from bot.market.sessions import settlement
from bot.rules.arrays import Days
from bot.rules.candidates import Ground
from bot.rules.conditions import (
    AutoSteps,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Ladder,
    Often,
    Rule,
    Telling,
)
from bot.rules.evaluate import Ladders, looked
from bot.rules.fires import Fires, ladder_fires
from bot.rules.footing import footings
from bot.rules.measures import ChangeSince, Direction, FromCost
from bot.rules.past import passed_in_history
from bot.sources.folder import Recorded, read_folder
from tests.conftest import PRICES
from tests.rules.test_arrays import calendars, histories

DIRECTIONS: tuple[tuple[Direction, ...], ...] = (("up", "down"), ("up",), ("down",))
Seen = list[tuple[date, float, float, str]]

fixed = st.sampled_from(
    [
        FixedSteps((2.0, 3.0, 5.0)),
        FixedSteps((10.0, 20.0, 30.0)),
        FixedSteps((150.0, 200.0)),
        FixedSteps((5.0,), every=5.0),
    ]
)
auto = st.sampled_from(
    [
        AutoSteps(2.0, 2, 1.5, 40.0, (1.0, 1.5, 2.5)),
        AutoSteps(0.3, 3, 0.5, 200.0, (1.0, 2.0)),
        AutoSteps(2.5, 60, 4.0, 8.0, (1.0, 1.5, 2.5)),
    ]
)
directions = st.sampled_from(DIRECTIONS)
triggers = st.sampled_from(["touch", "close"])
windows = st.sampled_from(["all", "52w", "90d", "ytd", "mtd", "since 2020-03-01"])
ladders: st.SearchStrategy[Ladder] = st.one_of(
    st.builds(DayMove, fixed | auto, directions, triggers),
    st.builds(
        FromExtreme,
        st.sampled_from(["low", "peak"]),
        st.sampled_from([(10.0, 20.0, 30.0), (50.0,), (0.0001, 60.0, 90.0)]),
        st.sampled_from(["close", "intraday"]),
        triggers,
        windows,
    ),
    st.builds(
        FromBase,
        st.builds(FromCost, st.sampled_from([1.0, 2.0, 3.3]))
        | st.builds(ChangeSince, st.sampled_from([date(2020, 2, 25), date(2021, 3, 1)])),
        fixed,
        directions,
        triggers,
    ),
)
tellings = st.builds(
    Telling,
    st.sampled_from(["each episode", "each episode", "once", "once a session"]),
    st.sampled_from([None, None, date(2020, 6, 1)]),
)


def every(ground: Ground) -> Days:
    """Propose each bar that has anything to be compared with."""
    return np.flatnonzero(~np.isnan(ground.base))


def seen(fires: Fires) -> Seen:
    rows = zip(
        fires.days.tolist(), fires.steps.tolist(), fires.values.tolist(), fires.ups.tolist(), strict=True
    )
    return [(date.fromordinal(day), step, value, "up" if up else "down") for day, step, value, up in rows]


def live(
    rule: Rule, series: Series, calendar: Calendar, first: date = date.min, market: Market = "HK"
) -> Seen:
    """Look at every bar as the live engine does, the ladders begun as it begins them on `first`."""
    named = not isinstance(rule.condition, FromBase) and rule.telling.often == "each episode"
    made = 0 if named or rule.telling.often == "once a session" else max(series.count_before(first), 1)
    told: Ladders | None = None
    found: Seen = []
    for row, footing in enumerate(footings(rule, series, calendar, market)):
        if row < made:
            continue
        if told is None:
            told = Ladders()
            if made and footing is not None:
                told.told |= passed_in_history(rule, footing, replace(series, bars=series.bars[:row]))
        if footing is None:
            continue
        look = look_at_bar(series.symbol, series.bars[row], settlement(market, series.bars[row].session))
        for each in looked(rule, footing, look, told.furthest):
            told.climb(each)
            if each.session >= first:
                found.append((each.session, each.step, each.value, each.direction))
    return found


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return read_folder(PRICES)


@given(data=st.data(), ladder=ladders, telling=tellings, late=st.integers(0, 40))
def test_what_is_told_is_what_the_live_engine_tells_bar_by_bar(
    data: st.DataObject, ladder: Ladder, telling: Telling, late: int
) -> None:
    series = data.draw(histories())
    calendar = data.draw(calendars(series))
    first = series.bars[late].session if late < len(series.bars) else date.min
    rule = Rule("rule", ladder, frozenset({"X"}), telling=telling)
    fires = ladder_fires(rule, ladder, series, calendar, "HK", first)
    assert seen(fires) == live(rule, series, calendar, first)


@given(data=st.data(), ladder=ladders, telling=tellings)
def test_no_bar_that_is_left_out_would_change_what_is_told(
    data: st.DataObject, ladder: Ladder, telling: Telling
) -> None:
    series = data.draw(histories())
    rule = Rule("rule", ladder, frozenset({"X"}), telling=telling)
    calendar = data.draw(calendars(series))
    proposed = ladder_fires(rule, ladder, series, calendar, "HK")
    assert seen(proposed) == seen(ladder_fires(rule, ladder, series, calendar, "HK", propose=every))


@pytest.mark.parametrize(
    "ladder",
    [
        DayMove(FixedSteps((2.0, 3.0, 5.0))),
        DayMove(AutoSteps(2.0, 60, 1.5, 4.0, (1.0, 1.5, 2.5))),
        DayMove(AutoSteps(2.5, 60, 4.0, 8.0, (1.0, 1.5, 2.5)), ("down",), "close"),
        FromExtreme("low", (10.0, 20.0, 30.0, 40.0, 50.0), "close", "touch", "52w"),
        FromExtreme("low", (5.0, 10.0, 15.0), "intraday", "touch", "90d"),
        FromExtreme("peak", tuple(float(step) for step in range(10, 100, 10)), "close", "touch", "all"),
        FromExtreme("peak", (3.0, 5.0, 8.0), "intraday", "close", "mtd"),
        FromBase(ChangeSince(date(2021, 2, 17)), FixedSteps((5.0,), every=5.0)),
        FromBase(FromCost(16.2), FixedSteps((10.0, 20.0)), ("down",)),
    ],
    ids=str,
)
@pytest.mark.parametrize("often", ["each episode", "once", "once a session"])
def test_every_recorded_instrument_is_told_of_alike(recorded: Recorded, ladder: Ladder, often: Often) -> None:
    calendar = recorded.calendar(lambda symbol: bare_instrument(symbol).market)
    count = 0
    for symbol, series in recorded.series.items():
        rule = Rule("rule", ladder, frozenset({symbol}), telling=Telling(often))
        for first in (date.min, date(2022, 1, 3)):
            market = bare_instrument(symbol).market
            asked = (rule, ladder, series, calendar, market, first)
            told = seen(ladder_fires(*asked))
            assert told == seen(ladder_fires(*asked, propose=every))
            assert told == live(rule, series, calendar, first, market)
            count += len(told)
    assert count
