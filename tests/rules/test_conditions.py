"""Ladders and rules: their canonical text, their steps, and what makes another revision."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.rules.conditions import (
    AutoSteps,
    Condition,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Gate,
    Rule,
    Telling,
)
from bot.rules.measures import ChangeSince, FromCost, Rsi
from bot.rules.terms import Comparison

STEPS = FixedSteps((2.0, 3.0, 5.0))
AUTO = AutoSteps(2.0, 60, 1.5, 4.0, (1.0, 1.5, 2.5))
TEXTS: tuple[tuple[Condition, str], ...] = (
    (DayMove(STEPS), "±2/3/5%"),
    (DayMove(AUTO), "±auto(2σ60, 1.5%, 4%) ladder 1/1.5/2.5"),
    (DayMove(FixedSteps((2.0,), every=1.5)), "±2% every 1.5%"),
    (DayMove(STEPS, trigger="close"), "±2/3/5% at close"),
    (DayMove(STEPS, ("up",)), "day > 2/3/5%"),
    (DayMove(STEPS, ("down",)), "day < -2/3/5%"),
    (DayMove(STEPS, ("down",), "close"), "day < -2/3/5% at close"),
    (FromBase(FromCost(16.2), FixedSteps((10.0, 20.0))), "cost 16.2 ±10/20%"),
    (FromBase(FromCost(16.2), FixedSteps((10.0,)), trigger="close"), "cost 16.2 ±10% at close"),
    (FromBase(FromCost(16.2), FixedSteps((10.0,)), ("up",)), "cost 16.2 > 10%"),
    (
        FromBase(ChangeSince(date(2021, 2, 17)), FixedSteps((10.0,)), ("down",), "close"),
        "change since 2021-02-17 < -10% at close",
    ),
    (
        FromExtreme("low", (10.0, 20.0), "intraday", "close", "all"),
        "off low 10/20% reference intraday, trigger close, window all, re-arm on new low",
    ),
    (
        FromExtreme("peak", (10.0, 20.5), "close", "touch", "52w"),
        "drawdown 10/20.5% reference close, trigger touch, window 52w, re-arm on new peak",
    ),
    (Gate(Comparison(Rsi(), "down", 30.0)), "rsi 14 < 30"),
)


@pytest.mark.parametrize("condition,text", TEXTS)
def test_a_condition_has_one_canonical_text(condition: Condition, text: str) -> None:
    assert str(condition) == text


@pytest.mark.parametrize(
    "sigma,first",
    [(None, 4.0), (0.0, 1.5), (0.0074, 1.5), (0.0088, 2.0), (0.0112, 2.0), (0.0113, 2.5), (0.05, 4.0)],
)
def test_steps_that_follow_volatility_are_rounded_to_half_a_per_cent_between_floor_and_cap(
    sigma: float | None, first: float
) -> None:
    assert AUTO.on(sigma) == (first, first * 1.5, first * 2.5)


def test_only_steps_that_follow_volatility_look_back() -> None:
    assert (DayMove(AUTO).lookback, DayMove(STEPS).lookback) == (60, None)


@given(some.floats(0, 1) | some.none())
def test_fixed_steps_are_the_same_on_every_day(sigma: float | None) -> None:
    assert STEPS.on(sigma) == STEPS.steps


def test_further_steps_go_on_evenly_from_the_last_to_sixty_in_all() -> None:
    found = FixedSteps((2.0, 5.0), every=1.5).on(None)
    assert (found[:4], len(found)) == ((2, 5, 6.5, 8), 60)
    assert {after - before for before, after in pairwise(found[1:])} == {1.5}


@pytest.mark.parametrize(
    "telling,text",
    [
        (Telling(), ""),
        (Telling("once"), "once"),
        (Telling("once a session"), "once a session"),
        (Telling(until=date(2027, 1, 31)), "until 2027-01-31"),
        (Telling(urgency="quiet"), "quiet"),
        (Telling(note="look at ADR"), 'note "look at ADR"'),
        (
            Telling("once", date(2027, 1, 31), "urgent", "look"),
            'once until 2027-01-31 urgent note "look"',
        ),
    ],
)
def test_how_a_rule_tells_is_written_after_its_condition(telling: Telling, text: str) -> None:
    assert str(telling) == text


def test_a_revision_is_of_the_name_the_condition_and_how_often_it_tells_and_of_nothing_else() -> None:
    rule = Rule("rule", DayMove(STEPS), frozenset({"X"}))
    same = (
        replace(rule, symbols=frozenset({"Y"})),
        replace(rule, together=True),
        replace(rule, telling=Telling(until=date(2027, 1, 31), urgency="quiet", note="look")),
    )
    assert {each.revision for each in same} == {rule.revision}
    others = (
        replace(rule, name="other"),
        replace(rule, condition=DayMove(STEPS, ("up",))),
        replace(rule, condition=DayMove(AUTO)),
        replace(rule, telling=Telling("once")),
        replace(rule, telling=Telling("once a session")),
    )
    assert len({rule.revision, *(each.revision for each in others)}) == len(others) + 1


def test_the_revision_of_a_chats_own_rule_says_whose_it_is_and_is_otherwise_the_same() -> None:
    rule = Rule("k7", DayMove(STEPS), frozenset({"X"}))
    assert replace(rule, chat="telegram:77:1001").revision == f"own:k7:{rule.revision}"


def test_a_revision_stays_what_it_was() -> None:
    # Kept in Redis: were it to change, every ladder that was told would be told again.
    assert Rule("index_day", DayMove(AUTO), frozenset()).revision == "5b9ac0b47d93"
    assert Rule("x", DayMove(STEPS), frozenset(), telling=Telling("once")).revision == "abaeadb9a8a7"
