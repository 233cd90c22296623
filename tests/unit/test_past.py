"""What is worked out from a session's end must be what going through every bar gives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.market.bars import Bar, Calendar, Known, Reference, Series, Side
from bot.market.extremes import Extreme, Window, beyond, extreme_since, last_standing, price_of, standings
from bot.market.falls import Fall, worst_falls
from bot.rules.conditions import Rule
from bot.rules.crossing import Rung, reaches
from bot.rules.evaluate import Ladders, crossings
from bot.rules.footing import Footing, footings
from bot.rules.grammar import parse
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing

START = date(2019, 2, 27)
CALENDAR = Calendar({})
SIDES: tuple[Side, ...] = ("low", "peak")
WINDOWS: tuple[Window, ...] = ("all", "52w")
REFERENCES: tuple[Reference, ...] = ("close", "intraday")
CONDITIONS = (
    "±2/3/5%",
    "±auto(2σ5, 1.5%, 4%) ladder 1/1.5/2.5",
    *(
        f"{what} 10/20/30/40/50% reference {reference}, trigger {trigger}, window {window}, "
        f"re-arm on new {side}"
        for what, side in (("off low", "low"), ("drawdown", "peak"))
        for reference in REFERENCES
        for trigger in ("touch", "close")
        for window in ("52w", "all")
    ),
)
# few prices, so that many are equal and many are exactly a step apart
PRICES = some.sampled_from((40.0, 50.0, 54.0, 60.0, 63.0, 66.0, 70.0, 77.0, 80.0, 90.0, 99.0, 100.0))
GAPS = some.sampled_from((1, 1, 3, 20, 90, 364, 366, 400))


@some.composite
def bars(draw: some.DrawFn, most: int = 30) -> tuple[Bar, ...]:
    """Make sessions a day to a year apart, some of which know their closes alone."""
    session, found = START, []
    for gap in draw(some.lists(GAPS, min_size=1, max_size=most)):
        session += timedelta(days=gap)
        low, close, high = sorted(draw(some.tuples(PRICES, PRICES, PRICES)))
        close = draw(some.sampled_from((low, close, high)))
        with_range = draw(some.integers(0, 4)) > 0
        found.append(Bar(session, close, None, high, low) if with_range else Bar(session, close))
    return tuple(found)


@some.composite
def series(draw: some.DrawFn) -> Series:
    """Make bars, perhaps behind extremes that are known of the time before them."""
    sides, references = some.sampled_from(SIDES), some.sampled_from(REFERENCES)
    known = draw(some.lists(some.tuples(some.integers(0, 900), sides, references, PRICES), max_size=4))
    before = sorted(
        (
            Known(START - timedelta(days=back), side, reference, value)
            for back, side, reference, value in known
        ),
        key=lambda each: each.session,
    )
    return Series("X", draw(bars()), tuple(before))


def live(held: Series) -> Series:
    """Build the same series as a live one is: on what is settled lies today's bar, once at another price."""
    settled = Series(held.symbol, held.bars[:-1], held.before)
    return settled.with_bar(Bar(held.bars[-1].session, 1.0)).with_bar(held.bars[-1])


def replayed(
    rule: Rule, footing: Footing, history: Series, calendar: Calendar = CALENDAR
) -> dict[Rung, float]:
    """Look at every bar of history under a rule, and return the furthest step of the footing's ladders."""
    if footing.measure == "day change":
        return {}
    ladders = Ladders()
    for _ in crossings(rule, history, calendar, "HK", ladders):
        pass
    told = {}
    for direction in footing.directions:
        rung = Rung(rule.revision, history.symbol, footing.episode, direction)
        told[rung] = max(ladders.furthest(rung), *_reached_before(footing, history))
    return {rung: step for rung, step in told.items() if step > 0}


def _reached_before(footing: Footing, history: Series) -> Iterator[float]:
    yield 0.0
    up = footing.measure == "off low"
    for known in history.before:
        counts = footing.trigger == "touch" or known.reference == "close"
        if known.session > footing.reference.session and known.side == ("peak" if up else "low") and counts:
            for step in footing.steps:
                if reaches(known.value, footing.reference.value, step if up else -step):
                    yield step


@settings(max_examples=400, deadline=None)
@given(series(), some.sampled_from(CONDITIONS))
def test_what_an_episode_has_passed_is_what_a_replay_of_all_history_tells(
    held: Series, condition: str
) -> None:
    rule = Rule("rule", parse(condition), frozenset({"X"}))
    footing = footings(rule, held, CALENDAR, "HK")[-1]
    if footing is not None:
        history = held.until(held.sessions[-1] - timedelta(days=1))
        assert passed_in_history(rule, footing, history) == replayed(rule, footing, history)


@settings(max_examples=200, deadline=None)
@given(series(), some.sampled_from(CONDITIONS))
def test_the_footing_of_a_live_session_is_the_last_row_of_the_column(held: Series, condition: str) -> None:
    rule = Rule("rule", parse(condition), frozenset({"X"}))
    column = footings(rule, held, CALENDAR, "HK")
    assert last_footing(rule, live(held), CALENDAR, "HK") == column[-1]
    assert last_footing(rule, held, CALENDAR, "HK") == column[-1]


@settings(max_examples=200, deadline=None)
@given(series(), some.sampled_from(REFERENCES), some.sampled_from(WINDOWS), some.sampled_from(SIDES))
def test_the_last_standing_is_the_last_row_of_the_standings(
    held: Series, reference: Reference, window: Window, side: Side
) -> None:
    last = standings(held, reference, window, side)[-1]
    assert last_standing(live(held), reference, window, side) == last


@settings(max_examples=200, deadline=None)
@given(series(), some.integers(-900, 4000), some.sampled_from(REFERENCES), some.sampled_from(SIDES))
def test_an_extreme_since_a_date_is_the_first_that_none_after_it_went_beyond(
    held: Series, days: int, reference: Reference, side: Side
) -> None:
    start = START + timedelta(days=days)
    found: Extreme | None = None
    known = [
        Extreme(each.value, each.session)
        for each in held.before
        if (each.reference, each.side) == (reference, side)
    ]
    candidates = known + [
        Extreme(price_of(bar, reference, side), bar.session)
        for bar in held.bars
        if reference == "close" or bar.high is not None
    ]
    for each in candidates:
        if each.session >= start and (found is None or beyond(each.value, found.value, side)):
            found = each
    assert extreme_since(held, start, reference, side) == found
    assert extreme_since(live(held), start, reference, side) == found


@settings(max_examples=100, deadline=None)
@given(series())
def test_the_falls_of_a_live_session_are_those_of_all_its_closes(held: Series) -> None:
    for start in (date.min, held.sessions[-1], held.sessions[len(held.sessions) // 2]):
        assert worst_falls(live(held), start) == worst_falls(held, start)


@given(bars(most=12), some.integers(2, 6))
def test_the_deviation_before_a_live_session_is_that_of_the_returns_before_it(
    held: tuple[Bar, ...], lookback: int
) -> None:
    series, last = Series("X", held), len(held) - 1
    closes = [each.close for each in held[:-1]][-lookback - 1 :]
    returns = [math.log(after / before) for before, after in pairwise(closes)]
    found = live(series).sigma(last, lookback)
    assert found == series.sigma(last, lookback)
    if len(returns) < lookback:
        assert found is None
    else:
        mean = sum(returns) / lookback
        expected = math.sqrt(sum((each - mean) ** 2 for each in returns) / (lookback - 1))
        assert found == pytest.approx(expected, abs=1e-12)


def test_a_bar_put_on_a_settled_series_leaves_what_was_settled_as_it_was() -> None:
    settled = Series("X", (Bar(START, 100.0), Bar(START + timedelta(days=1), 80.0)))
    day = START + timedelta(days=2)
    for close, worst in ((70.0, 30.0), (90.0, 20.0)):
        today = settled.with_bar(Bar(day, close))
        assert today.until(day - timedelta(days=1)) == settled
        assert today == Series("X", (*settled.bars, Bar(day, close)))
        (fall,) = worst_falls(today, date.min)
        assert fall == Fall(pytest.approx(-worst), START, fall.trough, None)  # type: ignore[arg-type]


@settings(max_examples=300)
@given(
    some.integers(1, 2_000_000),
    some.sampled_from((1.5, 2.0, 2.5, 3.75, 10.0, 20.0, 50.0)),
    some.sampled_from((-1, 1)),
    some.integers(-2, 2),
)
def test_a_price_reaches_a_step_as_the_decimals_do(cents: int, step: float, sign: int, off: int) -> None:
    base = cents / 1000
    exact = Decimal(repr(base)) * (100 + sign * Decimal(repr(step))) / 100
    price = float(exact) + off / 1000
    moved = Decimal(repr(price)) - exact
    assert reaches(price, base, sign * step) == (moved * sign >= 0)
