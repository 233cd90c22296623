"""What every ladder promises, whatever is looked at, and whenever whoever looks is stopped."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.market.bars import Bar, Reference, Series, Side
from bot.rules.conditions import (
    AutoSteps,
    Condition,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Often,
    Trigger,
)
from bot.rules.crossing import Crossing, climbed, reaches
from bot.rules.evaluate import Ladders, crossings, looked
from bot.rules.measures import ChangeSince, FromCost
from bot.rules.standing import last_footing
from tests.rules.listening import (
    CALENDAR,
    Day,
    Listener,
    day,
    days_of,
    heard,
    look,
    rule,
    series,
)

# Few prices, so that many are equal and many are exactly a step apart.
PRICES = some.sampled_from((44.0, 50.0, 54.0, 55.0, 60.0, 63.0, 66.0, 70.0, 77.0, 80.0, 90.0, 99.0, 100.0))
SIDES: tuple[Side, ...] = ("low", "peak")
REFERENCES: tuple[Reference, ...] = ("close", "intraday")
TRIGGERS: tuple[Trigger, ...] = ("touch", "close")
WINDOWS = ("all", "52w", "90d", "2w", "ytd", "mtd", f"since {day(300).isoformat()}")
STEPS = (10.0, 20.0, 30.0, 50.0)
MOVES: tuple[Condition, ...] = (
    *(DayMove(FixedSteps((5.0, 10.0, 20.0)), trigger=trigger) for trigger in TRIGGERS),
    DayMove(AutoSteps(2.0, 3, 1.5, 4.0, (1.0, 1.5, 2.5))),
    DayMove(FixedSteps((5.0,), every=5.0), ("up",)),
    *(
        FromBase(base, FixedSteps((5.0, 10.0, 25.0)), trigger=trigger)
        for base in (FromCost(60.0), ChangeSince(day(400)), ChangeSince(day(505)))
        for trigger in TRIGGERS
    ),
)
EXTREMES = tuple(
    FromExtreme(side, STEPS, reference, trigger, window)
    for side in SIDES
    for reference in REFERENCES
    for trigger in TRIGGERS
    for window in WINDOWS
)
CONDITIONS: tuple[Condition, ...] = (*MOVES, *EXTREMES)
OFTEN: tuple[Often, ...] = ("each episode", "once", "once a session")

conditions = some.sampled_from(CONDITIONS)
histories = some.lists(PRICES, min_size=1, max_size=8).map(
    lambda closes: Series("X", tuple(Bar(day(60 * number), close) for number, close in enumerate(closes)))
)


@settings(max_examples=150, deadline=None)
@given(conditions, some.sampled_from(OFTEN), histories, days_of(PRICES))
def test_no_sequence_of_looks_fires_a_step_twice_in_an_episode(
    condition: Condition, often: Often, history: Series, days: tuple[Day, ...]
) -> None:
    found = heard(Listener(rule(condition, often), history), days)
    told = Counter((each.rung, step) for each in found for step in each.steps)
    assert all(count == 1 for count in told.values())
    for each in found:
        assert each.steps == tuple(sorted(each.steps))
        assert not set(each.steps) & set(each.passed)


@settings(max_examples=150, deadline=None)
@given(conditions, some.sampled_from(OFTEN), histories, days_of(PRICES), some.data())
def test_any_split_of_a_run_by_restarts_gives_what_an_unbroken_run_gives(
    condition: Condition, often: Often, history: Series, days: tuple[Day, ...], data: some.DataObject
) -> None:
    places = [(number, index) for number, each in enumerate(days) for index in range(len(each.quotes()))]
    restarts = data.draw(some.frozensets(some.sampled_from(places)))
    tried = rule(condition, often)
    assert heard(Listener(tried, history), days, restarts) == heard(Listener(tried, history), days)


@settings(max_examples=100, deadline=None)
@given(conditions, histories, days_of(PRICES))
def test_a_rule_that_tells_once_tells_once_at_most(
    condition: Condition, history: Series, days: tuple[Day, ...]
) -> None:
    found = heard(Listener(rule(condition, "once"), history), days)
    assert len(found) <= 1


@settings(max_examples=100, deadline=None)
@given(conditions, histories, days_of(PRICES))
def test_nothing_is_told_after_the_last_day_of_a_rule(
    condition: Condition, history: Series, days: tuple[Day, ...]
) -> None:
    last = day(days[len(days) // 2].number)
    ended = heard(Listener(rule(condition, until=last), history), days)
    endless = heard(Listener(rule(condition), history), days)
    assert ended == [each for each in endless if each.session <= last]


@settings(max_examples=100, deadline=None)
@given(some.sampled_from(MOVES), histories, days_of(PRICES))
def test_ladders_up_and_down_know_nothing_of_each_other(
    condition: DayMove | FromBase, history: Series, days: tuple[Day, ...]
) -> None:
    both = heard(Listener(rule(replace(condition, directions=("up", "down"))), history), days)
    for direction in ("up", "down"):
        alone = heard(Listener(rule(replace(condition, directions=(direction,))), history), days)
        of_both = [_told(each) for each in both if each.direction == direction]
        assert of_both == [_told(each) for each in alone]


def _told(crossing: Crossing) -> Crossing:
    return replace(crossing, revision="")


@given(
    some.sampled_from(("up", "down")),
    some.sampled_from((1.5, 2.0, 5.0, 10.0, 20.0)),
    some.integers(100, 1_000_000),
    some.lists(some.integers(-100, 100), min_size=1, max_size=60),
)
def test_a_price_that_swings_about_a_step_all_day_tells_once(
    direction: str, step: float, cents: int, swings: list[int]
) -> None:
    base = cents / 100
    level = base * (1 + (step if direction == "up" else -step) / 100)
    prices = tuple(level * (1 + each / 100_000) for each in swings)
    tried = rule(DayMove(FixedSteps((step,))))
    found = heard(Listener(tried, series(base)), (Day(1, prices, frozenset(range(len(prices)))),))
    reached = any(reaches(price, base, step if direction == "up" else -step) for price in prices)
    assert [each.steps for each in found] == ([(step,)] if reached else [])


@pytest.mark.parametrize("price,direction", [(106.0, "up"), (94.0, "down")])
def test_a_gap_across_three_steps_is_one_crossing_that_names_all_three(price: float, direction: str) -> None:
    (found,) = heard(
        Listener(rule(DayMove(FixedSteps((2.0, 3.0, 5.0, 8.0)))), series(100.0)), (_once(price),)
    )
    assert (found.direction, found.steps, found.passed, found.ahead) == (direction, (2, 3, 5), (), (8,))
    assert (found.step, found.before, found.price, found.last, found.seen_by) == (5, 0, price, price, "quote")


def _once(price: float) -> Day:
    return Day(1, (price,), frozenset())


def test_a_gap_across_three_steps_of_a_drawdown_is_one_crossing_too() -> None:
    condition = FromExtreme("peak", STEPS, "close", "touch", "all")
    (found,) = heard(Listener(rule(condition), series(100.0)), (_once(66.0),))
    assert (found.steps, found.ahead, found.level, found.value) == ((10, 20, 30), (50,), 70, -34)


@settings(max_examples=200, deadline=None)
@given(
    conditions,
    some.lists(
        some.tuples(PRICES, some.lists(some.sampled_from((1, 30, 200, 366, 400)), max_size=3)), max_size=8
    ),
)
def test_a_price_that_stays_fires_nothing_whatever_leaves_the_window(
    condition: Condition, stretches: list[tuple[float, list[int]]]
) -> None:
    number, bars, moved = 0, [], set()
    for price, gaps in stretches:
        number += 1
        moved.add(day(number))
        bars.append(Bar(day(number), price))
        for gap in gaps:
            number += gap
            bars.append(Bar(day(number), price))
    held = Series("X", tuple(bars))
    since = isinstance(condition, FromBase)
    for found in crossings(rule(condition), held, CALENDAR, "HK", Ladders()):
        # A move from one's own price is known at once, and that from a date from its day on.
        assert found.session in moved or (since and found.measure in {"from cost", "since date"})


def test_a_base_of_ones_own_is_compared_from_the_first_look_and_told_once() -> None:
    condition = FromBase(FromCost(16.2), FixedSteps((10.0, 20.0)))
    found = list(crossings(rule(condition), series(18.0, 20.0, 15.0, 17.9, 19.5), CALENDAR, "HK", Ladders()))
    assert [(each.session, each.direction, each.steps, each.passed) for each in found] == [
        (day(0), "up", (10,), ()),
        (day(1), "up", (20,), (10,)),
    ]
    assert {(each.measure, each.reference.value) for each in found} == {("from cost", 16.2)}


def test_a_base_of_the_past_is_the_last_close_up_to_its_date_and_known_only_after_it() -> None:
    held = Series(
        "X", tuple(Bar(day(number), close) for number, close in ((0, 90.0), (3, 100.0), (6, 106.0)))
    )
    for start, steps in ((0, [(10,)]), (2, [(10,)]), (3, [(5,)]), (5, [(5,)]), (6, []), (-1, [])):
        condition = FromBase(ChangeSince(day(start)), FixedSteps((5.0, 10.0)))
        found = list(crossings(rule(condition), held, CALENDAR, "HK", Ladders()))
        assert [each.steps[-1:] for each in found] == steps
        assert all((each.measure, each.episode) == ("since date", str(condition.base)) for each in found)


@settings(max_examples=200)
@given(
    some.integers(1, 2_000_000),
    some.sampled_from((0.5, 1.5, 2.0, 3.75, 10.0, 20.0, 50.0)),
    some.sampled_from(("up", "down")),
    some.integers(-2, 2),
)
def test_a_step_is_told_at_its_very_level_and_not_a_tick_before(
    ticks: int, step: float, direction: str, off: int
) -> None:
    base = ticks / 1000
    sign = 1 if direction == "up" else -1
    level = Decimal(repr(base)) * (100 + sign * Decimal(repr(step))) / 100
    price = float(level) + off / 1000
    if price <= 0:
        return
    footing = last_footing(rule(DayMove(FixedSteps((step,)))), series(base, price), CALENDAR, "HK")
    assert footing is not None
    found = looked(rule(DayMove(FixedSteps((step,)))), footing, look(1, price), lambda _: 0.0)
    told = [each for each in found if each.direction == direction]
    assert bool(told) == ((Decimal(repr(price)) - level) * sign >= 0)


@settings(max_examples=200)
@given(
    some.integers(50, 150),
    some.lists(some.sampled_from((2.0, 3.0, 5.0, 10.0, 20.0, 40.0)), min_size=1, unique=True).map(sorted),
    some.sampled_from((1, -1)),
    some.sampled_from((0.0, 2.0, 3.0, 5.0, 20.0)),
)
def test_how_many_steps_are_climbed_is_how_many_are_reached_if_any_is_beyond_what_was_told(
    price: int, steps: list[float], sign: int, told: float
) -> None:
    reached = [each for each in steps if (price - 100) * sign >= each]
    new = [each for each in reached if each > told]
    assert climbed(100.0, tuple(steps), sign, float(price), told) == (len(reached) if new else 0)
