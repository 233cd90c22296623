"""What a crossing says of itself, and by what its identity and its message are known."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.market.actions import Action
from bot.market.bars import Bar, Calendar, Series
from bot.market.extremes import Extreme
from bot.market.quote import Look
from bot.rules.conditions import (
    AutoSteps,
    Condition,
    DayMove,
    FixedSteps,
    FromBase,
    FromExtreme,
    Gate,
    Rule,
)
from bot.rules.crossing import Crossing, Rung, climbed, fold_of, level_of, reaches
from bot.rules.evaluate import Ladders, applies, crossings, looked
from bot.rules.footing import Footing, footings
from bot.rules.measures import ChangeSince, FromCost, Price
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing
from bot.rules.terms import Comparison
from tests.rules.listening import CALENDAR, at, day, look, rule, series

STEPS = FixedSteps((2.0, 3.0, 5.0))
MOVE = DayMove(STEPS)
EVERY: tuple[Condition, ...] = (
    MOVE,
    FromBase(FromCost(90.0), STEPS),
    FromBase(ChangeSince(day(0)), STEPS, ("down",), "close"),
    FromExtreme("low", (10.0, 20.0), "intraday", "close", "52w"),
    FromExtreme("peak", (10.0, 20.0), "close", "touch", "all"),
    Gate(Comparison(Price(), "up", 15.0)),
)


def nothing(rung: Rung) -> float:
    return 0.0


def footing(condition: Condition, held: Series) -> Footing:
    found = footings(rule(condition), held, CALENDAR, "HK")[-1]
    assert found is not None
    return found


def test_a_crossing_tells_all_that_was_known_of_it() -> None:
    tried = rule(MOVE)
    seen = Look("X", day(1), at(1, 7), 102.5, 103.5, 98.5, final=False, adjusted=True)
    told = {Rung(tried.revision, "X", day(1).isoformat(), "up"): 2.0}
    (found,) = looked(tried, footing(MOVE, series(100.0, 102.5)), seen, lambda rung: told.get(rung, 0.0))
    assert found == Crossing(
        rule="rule",
        revision=tried.revision,
        symbol="X",
        session=day(1),
        time=at(1, 7),
        measure="day change",
        direction="up",
        episode=day(1).isoformat(),
        compared_with="close",
        reference=Extreme(100.0, day(0)),
        trigger="touch",
        steps=(3.0,),
        passed=(2.0,),
        before=2.0,
        ahead=(5.0,),
        level=103.0,
        value=pytest.approx(3.5),  # type: ignore[arg-type]
        price=103.5,
        last=102.5,
        final=False,
        seen_by="range",
        adjusted=True,
        sigma=None,
    )
    assert (found.step, found.rung) == (3.0, next(iter(told)))


def test_a_last_price_beyond_the_same_step_is_told_as_the_print_that_it_is() -> None:
    tried, stands = rule(MOVE), footing(MOVE, series(100.0, 100.0))
    (found,) = looked(tried, stands, look(1, 103.5, 104.9), nothing)
    assert (found.price, found.seen_by, found.last) == (103.5, "quote", 103.5)
    (found,) = looked(tried, stands, look(1, 103.5, 105.0), nothing)
    assert (found.price, found.seen_by, found.last) == (105.0, "range", 103.5)
    (found,) = looked(tried, stands, look(1, 103.0, 104.0), nothing)
    assert (found.price, found.seen_by) == (103.0, "quote")


def test_the_volatility_that_the_steps_rest_on_is_kept_with_them() -> None:
    condition = DayMove(AutoSteps(2.0, 2, 1.0, 4.0, (1.0, 2.0)))
    held = series(100.0, 101.0, 100.0, 110.0)
    (found,) = crossings(rule(condition), held, CALENDAR, "HK", Ladders())
    assert found.sigma == held.sigma(3, 2) is not None
    assert found.steps == condition.ladder.on(found.sigma)
    assert footing(MOVE, held).sigma is None


def test_the_further_of_two_directions_comes_first() -> None:
    stands = footing(MOVE, series(100.0, 100.0))
    for high, low, order in ((102.0, 97.0, ["down", "up"]), (104.0, 97.0, ["up", "down"])):
        found = looked(rule(MOVE), stands, look(1, 100.0, high, low), nothing)
        assert [each.direction for each in found] == order
    found = looked(rule(MOVE, "once"), stands, look(1, 100.0, 104.0, 97.0), nothing)
    assert [each.direction for each in found] == ["up"]


def test_a_rule_that_tells_once_no_longer_applies_once_either_direction_was_told() -> None:
    tried = rule(MOVE, "once")
    stands = footings(tried, series(100.0, 100.0), CALENDAR, "HK")[-1]
    assert stands is not None
    up, down = (Rung(tried.revision, "X", "once", direction) for direction in stands.directions)
    kept: tuple[tuple[dict[Rung, float], bool], ...] = (
        ({}, True),
        ({up: 2.0}, False),
        ({down: 2.0}, False),
        ({up: -2.0}, True),
    )
    for told, expected in kept:
        assert applies(tried, stands, look(1, 100.0), Ladders(told).furthest) is expected
    assert applies(rule(MOVE), stands, look(1, 100.0), lambda rung: 2.0)


def test_what_a_rule_that_tells_once_was_silent_about_is_not_told_later() -> None:
    condition = FromBase(FromCost(100.0), STEPS)
    tried = rule(condition, "once")
    stands = last_footing(tried, series(100.0, 100.0), CALENDAR, "HK")
    assert stands is not None
    silent = {Rung(tried.revision, "X", "once", "up"): -3.0}
    assert looked(tried, stands, look(1, 103.5), lambda rung: silent.get(rung, 0.0)) == ()
    (found,) = looked(tried, stands, look(1, 105.0), lambda rung: silent.get(rung, 0.0))
    assert (found.steps, found.passed, found.before) == ((5,), (), -3)


def test_a_close_is_waited_for_where_the_close_is_the_trigger() -> None:
    for condition in (
        DayMove(STEPS, trigger="close"),
        FromBase(FromCost(100.0), STEPS, trigger="close"),
        FromExtreme("low", (3.0, 5.0), "close", "close", "all"),
    ):
        stands = footing(condition, series(100.0, 100.0))
        assert looked(rule(condition), stands, look(1, 104.0, 109.0), nothing) == ()
        (found,) = looked(rule(condition), stands, look(1, 104.0, 109.0, final=True), nothing)
        assert (found.step, found.price, found.trigger, found.final) == (3, 104, "close", True)


def test_a_new_intraday_extreme_is_what_later_looks_are_compared_with() -> None:
    low = FromExtreme("low", (10.0,), "intraday", "touch", "all")
    before = footing(low, series(100.0, 100.0))
    after = before.after(look(1, 95.0, 101.0, 90.0))
    assert (after.reference, after.episode) == (Extreme(90.0, day(1)), f"intraday {day(1)} 90.0")
    assert before.after(look(1, 101.0, 130.0, 100.0)) is before
    peak = FromExtreme("peak", (10.0,), "intraday", "touch", "all")
    top = footing(peak, series(100.0, 100.0))
    assert top.after(look(1, 95.0, 110.0, 90.0)).reference == Extreme(110.0, day(1))
    assert top.after(look(1, 95.0, 100.0, 90.0)) is top
    for condition in (FromExtreme("low", (10.0,), "close", "touch", "all"), MOVE):
        stays = footing(condition, series(100.0, 100.0))
        assert stays.after(look(1, 95.0, 130.0, 50.0)) is stays
    own = replace(footing(FromBase(FromCost(90.0), STEPS), series(100.0)), compared_with="intraday")
    assert own.after(look(1, 95.0, 130.0, 50.0)) is own


def test_where_a_rule_says_how_often_it_tells_a_new_extreme_begins_no_episode() -> None:
    condition = FromExtreme("low", (10.0,), "intraday", "touch", "all")
    held = series(100.0, 100.0)
    for often, episode in (("once", "once"), ("once a session", day(1).isoformat())):
        stands = footings(rule(condition, often), held, CALENDAR, "HK")[-1]  # type: ignore[arg-type]
        assert stands is not None
        assert (stands.episode, stands.counted) == (episode, True)
        after = stands.after(look(1, 95.0, 101.0, 90.0))
        assert (after.episode, after.reference) == (episode, Extreme(90.0, day(1)))
    assert not footing(condition, held).counted


@pytest.mark.parametrize("condition", EVERY)
@pytest.mark.parametrize("often", ["each episode", "once", "once a session"])
def test_the_last_footing_is_the_last_of_all(condition: Condition, often: str) -> None:
    tried = rule(condition, often)  # type: ignore[arg-type]
    for closes in ((100.0,), (100.0, 90.0), (100.0, 90.0, 95.0)):
        column = footings(tried, series(*closes), CALENDAR, "HK")
        assert len(column) == len(closes)
        assert last_footing(tried, series(*closes), CALENDAR, "HK") == column[-1]
        if isinstance(condition, Gate):
            assert column == (None,) * len(closes)


def test_a_session_that_the_market_had_and_we_have_not_leaves_a_day_move_unknown() -> None:
    held = Series("X", (Bar(day(0), 100.0), Bar(day(2), 120.0)))
    calendar = Calendar({"HK": tuple(day(number) for number in range(3))})
    assert last_footing(rule(MOVE), held, calendar, "HK") is None
    assert last_footing(rule(MOVE), held, calendar, "CN") is not None
    assert footings(rule(MOVE), held, calendar, "HK")[-1] is None


def test_a_crossing_of_a_session_with_a_distribution_is_of_what_a_holder_has() -> None:
    held = replace(series(100.0, 95.0), actions=(Action(day(1), "distribution", amount=10.0),))
    assert footing(MOVE, held).reference == Extreme(90.0, day(0))


@pytest.mark.parametrize("direction,level", [("up", 110.0), ("down", 90.0)])
def test_a_level_stands_a_step_from_its_base(direction: str, level: float) -> None:
    assert level_of(100.0, 10.0, direction) == pytest.approx(level)  # type: ignore[arg-type]


def test_a_price_is_compared_as_a_decimal_only_where_it_is_near() -> None:
    assert reaches(0.9, 1.0, -10)
    assert not reaches(0.9000000001, 1.0, -10)
    assert reaches(1.1, 1.0, 10)
    assert not reaches(1.0999999999, 1.0, 10)
    assert reaches(95.0, 100.0, -5) is reaches(105.0, 100.0, 5) is True
    assert reaches(95.1, 100.0, -5) is reaches(104.9, 100.0, 5) is False
    for near in (1.1 * (1 - 1e-14), 1.1 * (1 - 3e-13)):
        assert not reaches(near, 1.0, 10)
    for near in (0.9 * (1 + 1e-14), 0.9 * (1 + 3e-13)):
        assert not reaches(near, 1.0, -10)
    # 4.35 is 115 / 100 of no binary fraction near 3.7826…; 0.07 is 7% of 1 only as a decimal.
    assert reaches(0.07, 1.0, -93)
    assert reaches(1.07, 1.0, 7)


def test_nothing_is_climbed_where_nothing_new_is_reached() -> None:
    assert climbed(100.0, (2.0, 3.0, 5.0), 1, 101.9, 0.0) == 0
    assert climbed(100.0, (2.0, 3.0, 5.0), 1, 102.0, 0.0) == 1
    assert climbed(100.0, (2.0, 3.0, 5.0), 1, 104.0, 2.0) == 2
    assert climbed(100.0, (2.0, 3.0, 5.0), 1, 104.0, 3.0) == 0
    assert climbed(100.0, (2.0, 3.0, 5.0), 1, 900.0, 0.0) == 3
    assert climbed(100.0, (2.0, 3.0, 5.0), -1, 95.0, 0.0) == 3
    assert climbed(100.0, (2.0, 3.0, 5.0), -1, 105.0, 0.0) == 0


def test_a_fingerprint_is_of_the_ladder_its_episode_and_the_step() -> None:
    (found,) = crossings(rule(MOVE), series(100.0, 102.5), CALENDAR, "HK", Ladders())
    text = "\n".join((found.revision, "X", day(1).isoformat(), "up", "2"))
    assert found.fingerprint == hashlib.sha256(text.encode()).hexdigest()[:20]
    same = replace(found, price=1.0, time=at(1, 50), rule="renamed", before=9.0, last=2.0)
    assert same.fingerprint == found.fingerprint
    for other in (
        replace(found, revision="other"),
        replace(found, symbol="Y"),
        replace(found, episode="other"),
        replace(found, direction="down"),
        replace(found, steps=(2.0, 3.0)),
    ):
        assert other.fingerprint != found.fingerprint


def test_what_is_told_together_is_of_one_market_session_and_direction() -> None:
    (found,) = crossings(rule(MOVE), series(100.0, 102.5), CALENDAR, "HK", Ladders())
    assert fold_of(found, "HK", together=False) == found.fingerprint
    assert fold_of(found, "HK", together=True) == f"HK {day(1).isoformat()} up"


def test_a_ladder_that_nobody_climbed_stands_at_nought() -> None:
    ladders = Ladders()
    (found,) = crossings(rule(MOVE), series(100.0, 103.5), CALENDAR, "HK", ladders)
    assert ladders.furthest(found.rung) == 3
    assert ladders.furthest(replace(found.rung, direction="down")) == 0
    assert list(crossings(rule(MOVE), series(100.0, 103.5), CALENDAR, "HK", ladders)) == []


@pytest.mark.parametrize("often,sign", [("each episode", 1), ("once", -1)])
def test_of_a_price_that_stays_history_passed_what_its_last_close_stands_beyond(
    often: str, sign: int
) -> None:
    tried = rule(FromBase(FromCost(100.0), STEPS), often)  # type: ignore[arg-type]
    for closes, passed in (
        ((103.5,), {"up": 3.0}),
        ((110.0, 102.0), {"up": 2.0}),
        ((110.0, 100.0), {}),
        ((110.0, 94.0), {"down": 5.0}),
    ):
        held = series(*closes)
        stands = last_footing(tried, held.with_bar(Bar(day(9), 100.0)), CALENDAR, "HK")
        assert stands is not None
        found = passed_in_history(tried, stands, held)
        assert {rung.direction: step for rung, step in found.items()} == {
            direction: sign * step for direction, step in passed.items()
        }
        assert all(rung.episode == stands.episode and rung.revision == tried.revision for rung in found)
    empty = Series("X", ())
    stands = last_footing(tried, empty.with_bar(Bar(day(9), 100.0)), CALENDAR, "HK")
    assert stands is not None
    assert passed_in_history(tried, stands, empty) == {}


@pytest.mark.parametrize("condition", EVERY)
def test_of_what_begins_with_a_session_history_has_passed_nothing(condition: Condition) -> None:
    held = series(100.0, 50.0, 120.0)
    tried = rule(condition, "once a session")
    stands = last_footing(tried, held, CALENDAR, "HK")
    if stands is not None:
        assert passed_in_history(tried, stands, held) == {}
    of_a_day = footing(MOVE, held)
    assert passed_in_history(Rule("rule", MOVE, frozenset()), of_a_day, held) == {}
    gate = Rule("rule", Gate(Comparison(Price(), "up", 15.0)), frozenset())
    assert passed_in_history(gate, of_a_day, held) == {}


@given(some.sampled_from(("low", "peak")), some.sampled_from(("touch", "close")))
def test_what_a_rule_that_tells_once_passed_is_since_the_extreme_that_stands(side: str, trigger: str) -> None:
    condition = FromExtreme(side, (10.0, 20.0), "close", trigger, "all")  # type: ignore[arg-type]
    tried = rule(condition, "once")
    far = (130.0, 100.0, 112.0, 105.0) if side == "low" else (70.0, 100.0, 88.0, 95.0)
    held = series(*far)
    stands = last_footing(tried, held.with_bar(Bar(day(9), 100.0)), CALENDAR, "HK")
    assert stands is not None
    direction = "up" if side == "low" else "down"
    assert passed_in_history(tried, stands, held) == {
        Rung(tried.revision, "X", "once", direction): -10.0  # type: ignore[arg-type]
    }
