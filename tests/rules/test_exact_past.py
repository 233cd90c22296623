"""How far history had come: replays of many made-up histories, and single cases figure by figure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.market.bars import Bar, Calendar, Known, Reference, Series, Side
from bot.market.extremes import Window, beyond, price_of
from bot.rules.conditions import FromExtreme, Often, Rule, Telling, Trigger
from bot.rules.crossing import Rung, reaches
from bot.rules.evaluate import Ladders, crossings
from bot.rules.footing import Footing, footings
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing

START = date(2021, 1, 4)
CALENDAR = Calendar({})
STEPS = (10.0, 20.0, 30.0, 40.0, 50.0)
SIDES: tuple[Side, ...] = ("low", "peak")
REFERENCES: tuple[Reference, ...] = ("close", "intraday")
TRIGGERS: tuple[Trigger, ...] = ("touch", "close")
WINDOWS: tuple[Window, ...] = ("all", "52w", "5d")
PRICES = (40.0, 50.0, 54.0, 60.0, 63.0, 66.0, 70.0, 77.0, 80.0, 90.0, 99.0, 100.0)


def day(number: int) -> date:
    return START + timedelta(days=number)


def rule(condition: FromExtreme, often: Often = "each episode") -> Rule:
    return Rule("rule", condition, frozenset({"X"}), telling=Telling(often))


def passed(condition: FromExtreme, history: Series, today: int, often: Often = "each episode") -> list[float]:
    """Return the furthest steps that history had reached when a session began."""
    tried = rule(condition, often)
    footing = last_footing(tried, history.with_bar(Bar(day(today), 50.0)), CALENDAR, "HK")
    assert footing is not None
    return list(passed_in_history(tried, footing, history).values())


def made_up(chance: random.Random) -> Series:
    session, bars = START, []
    for _ in range(chance.randint(2, 14)):
        session += timedelta(days=chance.choice((1, 1, 2, 3, 90, 364, 366)))
        low, close, high = sorted(chance.choice(PRICES) for _ in range(3))
        close = chance.choice((low, close, high))
        bars.append(Bar(session, close, None, high, low) if chance.random() < 0.8 else Bar(session, close))
    known = sorted(
        (
            Known(
                START - timedelta(days=chance.randint(0, 500)),
                chance.choice(SIDES),
                chance.choice(REFERENCES),
                chance.choice(PRICES),
            )
            for _ in range(chance.randint(0, 3))
        ),
        key=lambda each: each.session,
    )
    return Series("X", tuple(bars), tuple(known))


def known_before(footing: Footing, history: Series, direction: str) -> Iterator[float]:
    for known in history.before:
        after = known.session > footing.reference.session
        counts = footing.trigger == "touch" or known.reference == "close"
        if after and counts and known.side == ("peak" if direction == "up" else "low"):
            for step in footing.steps:
                if reaches(known.value, footing.reference.value, step if direction == "up" else -step):
                    yield step


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("side", SIDES)
def test_history_has_passed_what_a_look_at_every_bar_tells(
    side: Side, reference: Reference, trigger: Trigger
) -> None:
    chance, reached = random.Random(f"{side} {reference} {trigger}"), 0
    for count in range(150):
        tried = rule(FromExtreme(side, STEPS, reference, trigger, WINDOWS[count % 3]))
        held = made_up(chance)
        footing = footings(tried, held, CALENDAR, "HK")[-1]
        if footing is None:
            continue
        history = replace(held, bars=held.bars[:-1])
        ladders = Ladders()
        for _ in crossings(tried, history, CALENDAR, "HK", ladders):
            pass
        (direction,) = footing.directions
        rung = Rung(tried.revision, "X", footing.episode, direction)
        furthest = max(ladders.furthest(rung), *known_before(footing, history, direction), 0.0)
        assert passed_in_history(tried, footing, history) == ({rung: furthest} if furthest else {})
        reached += furthest > 0
    assert reached > 20


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("side", SIDES)
def test_a_rule_that_tells_once_has_passed_what_was_reached_since_the_extreme(
    side: Side, reference: Reference
) -> None:
    chance, reached = random.Random(f"{side} {reference}"), 0
    sign = 1 if side == "low" else -1
    for _ in range(120):
        tried = rule(FromExtreme(side, STEPS, reference, "touch", "all"), "once")
        history = replace(made_up(chance), before=())
        # The extreme that stands is the last that none after it went beyond.
        at = 0
        for number, bar in enumerate(history.bars):
            new, old = (price_of(each, reference, side) for each in (bar, history.bars[at]))
            if number and beyond(new, old, side):
                at = number
        base = price_of(history.bars[at], reference, side)
        prices = [
            price_of(bar, "intraday", "peak" if side == "low" else "low") for bar in history.bars[at + 1 :]
        ]
        if reference == "intraday" and at:
            prices.append(history.bars[at].close)
        steps = [step for step in STEPS if any(reaches(price, base, sign * step) for price in prices)]
        today = history.with_bar(Bar(history.sessions[-1] + timedelta(days=1), 50.0))
        footing = last_footing(tried, today, CALENDAR, "HK")
        assert footing is not None
        found = passed_in_history(tried, footing, history)
        assert list(found.values()) == ([-max(steps)] if steps else [])
        reached += bool(steps)
    assert reached > 30


def bars(*ranges: tuple[float, float, float]) -> Series:
    """Make bars of a low, a close and a high each."""
    return Series(
        "X",
        tuple(Bar(day(number), close, close, high, low) for number, (low, close, high) in enumerate(ranges)),
    )


def test_the_range_counts_of_the_sessions_after_the_extreme_and_the_close_where_that_is_asked_for() -> None:
    history = bars((100, 100, 100), (79, 80, 110), (82, 85, 97), (83, 87, 88))
    assert passed(FromExtreme("low", STEPS, "close", "touch", "all"), history, 4) == [20.0]
    assert passed(FromExtreme("low", STEPS[:1], "close", "close", "all"), history, 4) == []
    falls = bars((100, 100, 100), (95, 120, 121), (95, 107, 119), (100, 108, 109))
    assert passed(FromExtreme("peak", STEPS, "close", "touch", "all"), falls, 4) == [20.0]
    assert passed(FromExtreme("peak", STEPS, "close", "close", "all"), falls, 4) == [10.0]


def test_of_a_session_that_made_the_intraday_extreme_the_close_alone_is_compared() -> None:
    history = bars((100, 100, 100), (70, 85, 130), (75, 76, 76))
    assert passed(FromExtreme("low", STEPS, "intraday", "touch", "all"), history, 3) == [20.0]
    assert passed(FromExtreme("low", STEPS, "intraday", "close", "all"), history, 3) == [20.0]
    # Nothing was there to compare the very first session with.
    assert (
        passed(FromExtreme("low", STEPS, "intraday", "touch", "all"), bars((70, 100, 130), (71, 72, 73)), 2)
        == []
    )
    falls = bars((100, 100, 100), (70, 85, 130), (120, 121, 122))
    assert passed(FromExtreme("peak", STEPS, "intraday", "touch", "all"), falls, 3) == [30.0]


def test_an_extreme_that_left_its_window_is_not_compared_with_any_more() -> None:
    closes = (100, 80, 84, 85, 86, 87, 88, 89, 90, 91, 92)
    history = Series("X", tuple(Bar(day(number), float(each)) for number, each in enumerate(closes)))
    # Each was 10% over the low of its own five days at most: 88 over 80 on the sixth day.
    assert passed(FromExtreme("low", (5.0, 10.0), "close", "touch", "5d"), history, 11) == [10.0]
    assert passed(FromExtreme("low", (5.0, 10.0, 15.0), "close", "touch", "all"), history, 11) == [15.0]


def test_extremes_known_of_the_time_before_count_after_the_one_that_is_compared_with() -> None:
    def of(side: Side, *known: tuple[int, Side, Reference, float]) -> list[float]:
        base = Known(day(0), side, "close", 50.0)
        others = (Known(day(number), at, by, value) for number, at, by, value in known)
        history = Series("X", (), (base, *others))
        touched = passed(FromExtreme(side, STEPS, "close", "touch", "all"), history, 400)
        closed = passed(FromExtreme(side, STEPS, "close", "close", "all"), history, 400)
        return [*touched, -1.0, *closed]

    assert of("low", (1, "peak", "close", 56.0)) == [10.0, -1.0, 10.0]
    assert of("low", (9, "peak", "intraday", 61.0)) == [20.0, -1.0]
    assert of("low", (0, "peak", "close", 61.0)) == [-1.0]
    assert of("low", (9, "peak", "close", 56.0), (9, "peak", "intraday", 66.0)) == [30.0, -1.0, 10.0]
    assert of("peak", (1, "low", "close", 44.0)) == [10.0, -1.0, 10.0]
    assert of("peak", (9, "low", "intraday", 39.0)) == [20.0, -1.0]
    assert of("peak", (9, "peak", "intraday", 49.0)) == [-1.0]
