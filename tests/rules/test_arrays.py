from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotKnown
from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Known, Reference, Series, Side
from bot.market.extremes import Window, standings, window_start
from bot.market.instrument import bare_instrument
from bot.market.reference import day_reference
from bot.rules.arrays import arrays_of, day_references, extremes
from bot.sources.folder import Recorded, read_folder
from tests.conftest import PRICES

SIDES: tuple[Side, ...] = ("low", "peak")
REFERENCES: tuple[Reference, ...] = ("close", "intraday")
WINDOWS: tuple[Window, ...] = ("all", "52w", "90d", "1d", "2w", "ytd", "mtd", "since 2021-02-17")
# Few enough that equal ones, new extremes and old ones are all common.
PRICE = st.sampled_from([1.0, 2.0, 2.5, 3.0, 7.0, 0.9])
GAP = st.sampled_from([1, 1, 1, 3, 4, 40, 300])
START = st.sampled_from([date(2020, 2, 20), date(2019, 12, 27), date(2021, 2, 1), date(2023, 2, 27)])
AMOUNT = st.sampled_from([0.001, 0.5, 2.0])


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    close = draw(PRICE)
    bar = Bar(date.min, close, volume=draw(st.none() | PRICE), adjusted=draw(st.booleans()))
    if draw(st.booleans()):
        return bar
    return replace(bar, open=close, high=max(close, draw(PRICE)), low=min(close, draw(PRICE)))


@st.composite
def histories(draw: st.DrawFn) -> Series:
    """Bars with gaps, actions, sessions without trading, and what is known of the time before them."""
    day, rows = draw(START), []
    for each in draw(st.lists(bars(), max_size=40)):
        rows.append(replace(each, session=day))
        day += timedelta(days=draw(GAP))
    days = [each.session for each in rows] or [day]
    some = st.sampled_from(days) | st.sampled_from([each + timedelta(days=1) for each in days])
    actions = draw(
        st.lists(
            st.builds(Action, some, st.just("distribution"), amount=AMOUNT)
            | st.builds(Action, some, st.just("split"), factor=st.just(0.5)),
            max_size=4,
            unique_by=lambda each: (each.session, each.kind),
        )
    )
    earlier = st.integers(1, 900).map(lambda back: days[0] - timedelta(days=back))
    known = st.builds(Known, earlier | some, st.sampled_from(SIDES), st.sampled_from(REFERENCES), PRICE)
    before = draw(st.lists(known, max_size=4))
    untraded = draw(st.lists(some.filter(lambda each: each not in days), max_size=3))
    return Series(
        "X",
        tuple(rows),
        tuple(sorted(before, key=lambda each: each.session)),
        tuple(sorted(actions, key=lambda each: each.session)),
        untraded=tuple(sorted(set(untraded))),
    )


@st.composite
def calendars(draw: st.DrawFn, series: Series) -> Calendar:
    others = st.lists(st.dates(date(2019, 12, 1), date(2024, 12, 31)), max_size=30)
    return Calendar({"HK": tuple(sorted({*series.sessions, *draw(others)}))})


def assert_same_references(series: Series, market: str, calendar: Calendar) -> None:
    column = day_references(series, market, calendar).tolist()
    assert len(column) == len(series.bars)
    for index, found in enumerate(column):
        try:
            assert found == day_reference(series, index, market, calendar).value
        except NotKnown:
            assert math.isnan(found)


def assert_same_extremes(series: Series, reference: Reference, window: Window, side: Side) -> None:
    found = extremes(series, reference, window, side)
    columns = (found.value, found.day, found.episode_value, found.episode_day)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    wanted = standings(series, reference, window, side)
    assert len(rows) == len(wanted)
    for row, standing in zip(rows, wanted, strict=True):
        if standing is None:
            assert math.isnan(row[0])
            assert math.isnan(row[2])
            assert row[1] == row[3] == 0
            continue
        extreme, episode = standing.extreme, standing.episode
        seen = (extreme.value, extreme.session.toordinal(), episode.value, episode.session.toordinal())
        assert row == seen


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return read_folder(PRICES)


@given(data=st.data())
def test_every_close_compared_with_is_what_the_scalar_definition_gives(data: st.DataObject) -> None:
    series = data.draw(histories())
    assert_same_references(series, "HK", data.draw(calendars(series)))
    assert_same_references(series, "US", Calendar({}))


@given(histories(), st.sampled_from(WINDOWS), st.sampled_from(REFERENCES), st.sampled_from(SIDES))
def test_every_extreme_is_what_the_scalar_definition_gives(
    series: Series, window: Window, reference: Reference, side: Side
) -> None:
    assert_same_extremes(series, reference, window, side)


@pytest.mark.parametrize("window", WINDOWS)
def test_every_extreme_of_the_recorded_bars_is_the_same(recorded: Recorded, window: Window) -> None:
    for series in recorded.series.values():
        for reference in REFERENCES:
            for side in SIDES:
                assert_same_extremes(series, reference, window, side)


def test_every_close_compared_with_in_the_recorded_bars_is_the_same(recorded: Recorded) -> None:
    calendar = recorded.calendar(lambda symbol: bare_instrument(symbol).market)
    assert recorded.series
    for series in recorded.series.values():
        assert_same_references(series, bare_instrument(series.symbol).market, calendar)


@given(st.lists(st.dates(date(1990, 1, 1), date(2030, 12, 31)), min_size=1, max_size=50, unique=True))
def test_a_window_begins_on_the_day_that_its_definition_names(days: list[date]) -> None:
    # a price that falls every session makes the extreme of a window its first session
    falling = [Bar(day, float(len(days) - at)) for at, day in enumerate(sorted(days))]
    series = Series("X", tuple(falling))
    for window in WINDOWS:
        found = extremes(series, "close", window, "peak").day.tolist()
        for at, bar in enumerate(falling):
            start = window_start(window, bar.session)
            held = [each.session.toordinal() for each in falling[:at] if each.session >= start]
            assert found[at] == (held[0] if held else 0)


@given(histories().filter(lambda series: len(series.bars) > 1))
def test_a_bar_put_on_a_settled_series_is_one_more_row(series: Series) -> None:
    settled = replace(series, bars=series.bars[:-1])
    arrays_of(settled)
    live, whole = arrays_of(settled.with_bar(series.bars[-1])), arrays_of(series)
    for name in ("days", "open", "top", "bottom", "close", "volume"):
        assert np.array_equal(getattr(live, name), getattr(whole, name), equal_nan=True)


def test_the_columns_of_a_series_are_made_once() -> None:
    series = Series("X", (Bar(date(2022, 3, 23), 4749.12, None, 4883.76, 4607.2, None),))
    made = arrays_of(series)
    assert arrays_of(series) is made
    assert len(made) == 1
    assert (made.top[0], made.bottom[0], made.close[0]) == (4883.76, 4607.2, 4749.12)
    assert np.isnan(made.open[0])
    assert np.isnan(made.volume[0])
    assert made.days[0] == date(2022, 3, 23).toordinal()


def test_a_series_without_bars_has_columns_without_rows() -> None:
    nothing = Series("X", (), (Known(date(2021, 2, 17), "peak", "close", 10945.22),))
    assert len(arrays_of(nothing)) == 0
    assert len(day_references(nothing, "HK", Calendar({}))) == 0
    assert len(extremes(nothing, "close", "52w", "peak").value) == 0
    assert len(extremes(Series("X", ()), "close", "mtd", "low").value) == 0
