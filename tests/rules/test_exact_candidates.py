"""What each bar is compared with, as columns: figure by figure, and which bars are worth a look."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from bot.errors import NotKnown
from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Known, Reference, Series, Side
from bot.market.extremes import Window, standings
from bot.market.reference import day_reference
from bot.rules.arrays import arrays_of, day_references, extremes
from bot.rules.candidates import Ground, grounds, proposed, steps_of
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
    Trigger,
)
from bot.rules.fires import ladder_fires
from bot.rules.indicators import average, rsi
from bot.rules.measures import ChangeSince, Direction, FromCost

START = date(2022, 12, 20)
NAN = float("nan")
TRIGGERS: tuple[Trigger, ...] = ("touch", "close")
WINDOWS: tuple[Window, ...] = ("all", "52w", "ytd", "mtd", "10w", "30d", "1d", "since 2023-06-01")


def day(number: int) -> date:
    return START + timedelta(days=number)


def bar(number: int, low: float, close: float, high: float) -> Bar:
    return Bar(day(number), close, close, high, low)


SERIES = Series(
    "X",
    (
        bar(0, 99, 100, 101),
        bar(1, 98, 104, 105),
        bar(2, 90, 92, 104),
        bar(3, 89, 95, 96),
        bar(4, 94, 110, 112),
        Bar(day(5), 108.0),
    ),
)


def told(ladder: Ladder, often: Often = "each episode") -> tuple[Ground, ...]:
    rule = Rule("r", ladder, frozenset({"X"}), telling=Telling(often))
    return grounds(rule, ladder, SERIES, Calendar({}), "HK")


def known(column: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float | None]:
    return [None if np.isnan(each) else float(each) for each in column]


def test_a_days_move_is_of_the_close_before_by_the_range_or_the_close() -> None:
    up, down = told(DayMove(FixedSteps((2.0, 5.0))))
    assert (up.direction, up.sign, down.direction, down.sign) == ("up", 1, "down", -1)
    assert known(up.base) == known(down.base) == [None, 100, 104, 92, 95, 110]
    assert up.furthest.tolist() == [101, 105, 104, 96, 112, 108]
    assert down.furthest.tolist() == [99, 98, 90, 89, 94, 108]
    assert up.episode.tolist() == [0, 1, 2, 3, 4, 5]
    assert (up.steps, up.least) == ((2.0, 5.0), None)
    (closing,) = told(DayMove(FixedSteps((2.0,)), ("down",), "close"))
    assert closing.furthest.tolist() == [100, 104, 92, 95, 110, 108]


def test_a_move_from_a_price_that_stays_is_one_episode() -> None:
    (cost,) = told(FromBase(FromCost(95.0), FixedSteps((5.0,)), ("up",)))
    assert cost.base.tolist() == [95.0] * 6
    assert cost.furthest.tolist() == [101, 105, 104, 96, 112, 108]
    assert cost.episode.tolist() == [0] * 6
    (since,) = told(FromBase(ChangeSince(day(1)), FixedSteps((5.0,)), ("down",), "close"))
    assert known(since.base) == [None, None, 104, 104, 104, 104]
    assert since.furthest.tolist() == [100, 104, 92, 95, 110, 108]
    (before,) = told(FromBase(ChangeSince(day(-1)), FixedSteps((5.0,)), ("down",)))
    assert known(before.base) == [None] * 6


def test_a_distance_from_an_extreme_begins_anew_with_each() -> None:
    (low,) = told(FromExtreme("low", (10.0,), "close", "touch", "all"))
    assert low.direction == "up"
    assert known(low.base) == [None, 100, 100, 92, 92, 92]
    assert low.furthest.tolist() == [101, 105, 104, 96, 112, 108]
    assert np.diff(low.episode).tolist() == [1, 0, 1, 0, 0]
    (peak,) = told(FromExtreme("peak", (10.0,), "close", "close", "all"))
    assert peak.direction == "down"
    assert known(peak.base) == [None, 100, 104, 104, 104, 110]
    assert peak.furthest.tolist() == [100, 104, 92, 95, 110, 108]
    # A bar that makes the intraday extreme itself is compared with that one, by its close.
    (own,) = told(FromExtreme("low", (10.0,), "intraday", "touch", "all"))
    assert known(own.base) == [None, 98, 90, 89, 89, 89]
    assert own.furthest.tolist() == [101, 104, 92, 95, 112, 108]
    assert np.diff(own.episode).tolist() == [1, 1, 1, 0, 0]
    (high,) = told(FromExtreme("peak", (10.0,), "intraday", "touch", "all"))
    assert known(high.base) == [None, 105, 105, 105, 112, 112]
    assert high.furthest.tolist() == [99, 104, 90, 89, 110, 108]
    assert np.diff(high.episode).tolist() == [1, 0, 0, 1, 0]


def test_a_rule_that_says_how_often_has_episodes_of_that_length() -> None:
    for ladder in (DayMove(FixedSteps((2.0,))), FromExtreme("low", (10.0,), "intraday", "touch", "all")):
        assert [each.episode.tolist() for each in told(ladder, "once")] == [[0] * 6] * len(told(ladder))
        assert told(ladder, "once a session")[0].episode.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_rule_that_is_made_late_compares_nothing_before() -> None:
    (cost,) = told(FromBase(FromCost(95.0), FixedSteps((5.0,)), ("up",)))
    assert known(cost.since(2).base) == [None, None, 95, 95, 95, 95]
    assert cost.base.tolist() == [95.0] * 6
    assert cost.since(0).base.tolist() == [95.0] * 6


def ground(
    direction: Direction, prices: list[float], steps: tuple[float, ...], episode: list[int] | None = None
) -> Ground:
    length = len(prices)
    numbers = np.zeros(length, np.int64) if episode is None else np.array(episode)
    return Ground(direction, np.full(length, 100.0), np.array(prices), numbers, steps)


def test_a_bar_is_worth_a_look_where_it_may_go_beyond_what_was_surely_reached() -> None:
    # 110 and 120 are reached to a hair, which the step function decides: not surely.
    assert proposed(ground("up", [101, 110, 110, 120, 95, 121, 121, 119], (10.0, 20.0))).tolist() == [
        1,
        2,
        3,
        5,
    ]
    assert proposed(ground("up", [101, 111, 111, 121, 121, 131], (10.0, 20.0))).tolist() == [1, 3]
    assert proposed(ground("down", [99, 89, 88, 79, 121], (10.0, 20.0))).tolist() == [1, 3]
    assert proposed(ground("down", [121, 90, 80, 80], (10.0, 20.0))).tolist() == [1, 2, 3]
    assert proposed(ground("up", [111, 111, 111, 121], (10.0, 20.0), [0, 0, 1, 1])).tolist() == [0, 2, 3]
    assert proposed(ground("up", [121, 111, 111, 121], (10.0, 20.0), [0, 0, 5, 5])).tolist() == [0, 2, 3]
    assert proposed(ground("up", [1, 2], (10.0,))).tolist() == []
    assert proposed(ground("up", [], (10.0,))).tolist() == []
    assert proposed(ground("up", [111], (10.0,))).tolist() == [0]
    # Of sessions that are an episode each, all that reach the first step.
    assert proposed(ground("up", [111, 110, 109, 121], (10.0, 20.0), [0, 1, 2, 3])).tolist() == [0, 1, 3]
    unknown = replace(ground("up", [111, 111, 111], (10.0,)), base=np.array([NAN, 100.0, 100.0]))
    assert proposed(unknown).tolist() == [1]
    least = replace(ground("up", [111, 111, 105], (10.0,)), least=np.array([11.5, 11.0, 4.0]))
    assert proposed(least).tolist() == [1, 2]


def closes(count: int, seed: int) -> Series:
    chance, price, bars = random.Random(seed), 100.0, []
    for number in range(count):
        price = round(price * (1 + chance.gauss(0, 0.02)), 2)
        bars.append(Bar(day(number), price, price, round(price * 1.01, 2), round(price * 0.99, 2)))
    return Series("X", tuple(bars))


@pytest.mark.parametrize(
    "auto",
    [
        AutoSteps(2.0, 5, 0.5, 40.0, (1.0, 1.5)),
        AutoSteps(2.5, 10, 4.0, 6.0, (1.0, 2.0)),
        AutoSteps(1.0, 3, 0.5, 90.0, (2.0, 3.0)),
    ],
)
def test_the_least_step_by_volatility_is_a_notch_below_the_one_that_counts(auto: AutoSteps) -> None:
    series = closes(60, 3)
    ladder = DayMove(auto)
    (first, _) = grounds(Rule("r", ladder, frozenset()), ladder, series, Calendar({}), "HK")
    assert first.least is not None
    assert first.steps == auto.on(None)
    exact = list(steps_of(ladder, series, range(60)))
    for row, steps in enumerate(exact):
        sigma = series.sigma(row, auto.lookback)
        assert steps == auto.on(sigma)
        if sigma is None:
            assert first.least[row] == pytest.approx(auto.cap * auto.multiples[0])
        else:
            lowest = max(auto.floor, steps[0] / auto.multiples[0] - 0.5) * auto.multiples[0]
            assert lowest - 1e-9 <= first.least[row] <= steps[0]
            if auto.floor < steps[0] / auto.multiples[0] < auto.cap:
                assert first.least[row] == pytest.approx(lowest)
    assert len({steps[0] for steps in exact}) > 2


def test_steps_are_the_same_on_every_bar_unless_they_follow_the_volatility() -> None:
    fixed = DayMove(FixedSteps((2.0,), 1.0))
    assert next(steps_of(fixed, SERIES, [0])) == fixed.ladder.on(None)
    assert next(steps_of(FromExtreme("low", (10.0, 20.0), "close", "touch", "all"), SERIES, [0])) == (
        10.0,
        20.0,
    )
    base = FromBase(FromCost(95.0), FixedSteps((5.0, 7.0)))
    assert [steps for steps, _ in zip(steps_of(base, SERIES, [3, 4]), (3, 4), strict=False)] == [
        (5.0, 7.0)
    ] * 2


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_of_two_directions_at_one_bar_the_further_is_told_first(trigger: Trigger) -> None:
    ladder = DayMove(FixedSteps((2.0,)), trigger=trigger)
    wide = Series(
        "X", (bar(0, 99, 100, 101), bar(1, 90, 103, 105), bar(2, 90, 100, 109), bar(3, 95, 97, 103))
    )
    fires = ladder_fires(Rule("r", ladder, frozenset()), ladder, wide, Calendar({}), "HK")
    found = list(zip(fires.rows.tolist(), fires.ups.tolist(), strict=True))
    if trigger == "touch":
        assert found == [(1, False), (1, True), (2, False), (2, True), (3, False), (3, True)]
    else:
        assert found == [(1, True), (2, False), (3, False)]
    assert len(fires) == len(found)
    assert fires.only(slice(1)).rows.tolist() == [1]


REFERENCES: tuple[Reference, ...] = ("close", "intraday")
SIDES: tuple[Side, ...] = ("low", "peak")
LONG = closes(820, 11)
THIN = Series("X", LONG.bars[::9])
OLDER = replace(
    closes(90, 5),
    before=(Known(day(-300), "peak", "close", 101.0), Known(day(-20), "low", "intraday", 99.0)),
)
BEHIND = replace(
    closes(90, 5),
    before=(Known(day(-3), "low", "close", 99.0), Known(day(2), "low", "close", 97.0)),
)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("reference", REFERENCES)
def test_extremes_are_those_that_the_standings_name(reference: Reference, side: Side, window: Window) -> None:
    # Long enough for a 29th of February, the days around it, and what equals them a year later.
    for series in (LONG, THIN, OLDER, BEHIND):
        column = extremes(series, reference, window, side)
        for row, standing in enumerate(standings(series, reference, window, side)):
            if standing is None:
                assert np.isnan(column.value[row])
                assert np.isnan(column.episode_value[row])
                assert (column.day[row], column.episode_day[row]) == (0, 0)
            else:
                assert column.standing(row) == standing


def test_equal_extremes_are_of_the_first_that_had_them() -> None:
    flat = Series("X", tuple(Bar(day(number), 10.0 + (number % 3 == 0)) for number in range(20)))
    for window in WINDOWS:
        for side in SIDES:
            column = extremes(flat, "close", window, side)
            wanted = standings(flat, "close", window, side)
            assert [column.day[row] for row in range(20)] == [
                0 if each is None else each.extreme.session.toordinal() for each in wanted
            ]


def test_no_bars_have_no_extremes() -> None:
    empty = Series("X", ())
    for window in WINDOWS:
        assert len(extremes(empty, "close", window, "low").value) == 0
    assert len(arrays_of(empty)) == 0
    behind = Series("X", (), (Known(day(5), "low", "close", 1.0), Known(day(5), "low", "close", 2.0)))
    assert len(extremes(behind, "close", "all", "low").day) == 0


def test_columns_of_bars_are_the_bars_and_one_more_row_for_one_more_bar() -> None:
    arrays = arrays_of(SERIES)
    assert arrays.days.tolist() == [day(number).toordinal() for number in range(6)]
    assert arrays.top.tolist() == [101, 105, 104, 96, 112, 108]
    assert arrays.bottom.tolist() == [99, 98, 90, 89, 94, 108]
    assert known(arrays.open) == [100, 104, 92, 95, 110, None]
    assert known(arrays.volume) == [None] * 6
    assert arrays_of(SERIES) is arrays
    more = SERIES.with_bar(Bar(day(6), 109.0, 108.5, 110.0, 107.0, 3.0))
    added = arrays_of(more)
    assert added.close.tolist() == [*arrays.close.tolist(), 109.0]
    assert known(added.volume) == [None] * 6 + [3.0]
    assert {column.dtype.kind for column in (added.open, added.top, added.volume)} == {"f"}
    assert added.days.dtype == np.int64


@pytest.mark.parametrize("skip", [(), (3,), (0,), (1, 5), (2, 3)])
def test_the_close_compared_with_is_the_one_of_the_session_before(skip: tuple[int, ...]) -> None:
    bars = tuple(each for number, each in enumerate(SERIES.bars) if number not in skip)
    calendar = Calendar({"HK": tuple(day(number) for number in range(-2, 9))})
    actions = (Action(day(1), "distribution", amount=30.0), Action(day(4), "distribution", amount=40.0))
    for series in (Series("X", bars), Series("X", bars, actions=actions)):
        for market in ("HK", "US"):
            found = known(day_references(series, market, calendar))
            assert found[0] is None
            for row in range(1, len(bars)):
                try:
                    wanted = day_reference(series, row, market, calendar).value
                except NotKnown:
                    assert found[row] is None
                else:
                    assert found[row] == wanted


def test_an_average_and_an_index_of_strength_are_those_of_the_textbook() -> None:
    prices = np.array([10.0, 11.0, 10.5, 10.5, 12.0])
    assert known(average(prices, "sma", 2)) == [None, 10.5, 10.75, 10.5, 11.25]
    assert known(average(prices, "ema", 2)) == [
        None, 10.5, 10.5, 10.5, pytest.approx(10.5 + 1.5 * 2 / 3)
    ]  # fmt: skip
    assert average(prices, "ema", 1).tolist() == prices.tolist()
    assert average(prices, "sma", 1) is not prices
    assert len(average(np.empty(0), "sma", 3)) == 0
    assert known(rsi(prices, 1)) == [None, 100, 0, None, 100]
    assert known(rsi(np.array([10.0, 10.5, 10.0]), 1)) == [None, 100, 0]
    assert len(rsi(np.empty(0), 1)) == len(rsi(np.empty(0), 3)) == 0
    # Rises of 1 and falls of 0.5 on the average of two: 100 x 1 / 1.5, then nothing, then 1.5.
    assert known(rsi(prices, 2)) == [
        None, None, pytest.approx(200 / 3), pytest.approx(200 / 3), pytest.approx(100 * 14 / 15)
    ]  # fmt: skip
    assert known(rsi(np.array([5.0, 5.0, 5.0, 4.9, 4.9]), 2)) == [None, None, None, 0, 0]
    assert known(rsi(np.array([5.0, 4.5, 4.4]), 2)) == [None, None, 0]
    assert known(rsi(np.array([5.0, 5.1, 5.2]), 2)) == [None, None, 100]
