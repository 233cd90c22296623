"""When a gate tells, when it may tell again, and what it remembers between looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.market.quote import Look
from bot.rules.conditions import DayMove, FixedSteps, Gate, Often, Rule, Telling
from bot.rules.crossing import Rung
from bot.rules.gates import (
    Stand,
    by_session,
    is_of_price,
    judged,
    lastings,
    leaves_of,
    limit_of,
    moved_on,
    remembers,
    rung_of,
    waits_for_the_close,
)
from bot.rules.measures import (
    Against,
    Average,
    Breadth,
    Day,
    Direction,
    Drawdown,
    Gap,
    Measure,
    Premium,
    Price,
    Rsi,
    Sigmas,
    SinceTold,
    Streak,
    Volume,
)
from bot.rules.met import Met, Part
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree
from bot.rules.truth import Truth, Unknown, Value, all_of, any_of, opposite
from tests.rules.listening import at, day, look

NOBODY = Unknown("nobody knows")
RSI, NEW_LOW = Rsi(), NewExtreme("low", "52w")
LOW_RSI = Comparison(RSI, "down", 30.0)
HIGH_STREAK = Comparison(Streak(), "up", 3.0)
ABOVE = Comparison(Price(), "up", 15.0)


@dataclass(frozen=True, slots=True)
class Said:
    """What a look says: values, and of what holds or does not, how it is as written and loosened."""

    values: Mapping[Measure, Value] = field(default_factory=dict)
    atoms: Mapping[NewExtreme | Story, tuple[Truth, Truth]] = field(default_factory=dict)

    def value(self, measure: Measure) -> Value:
        return self.values.get(measure, NOBODY)

    def holds(self, atom: NewExtreme | Story, *, loose: bool) -> Truth:
        return self.atoms.get(atom, (NOBODY, NOBODY))[loose]


def gate(tree: Tree, often: Often = "each episode", until: date | None = None) -> Rule:
    return Rule("rule", Gate(tree), frozenset({"X"}), telling=Telling(often, until))


def rsi(value: Value) -> Said:
    return Said({RSI: value})


def priced(price: float) -> Said:
    return Said({Price(): price})


def run(rule: Rule, looks: Sequence[tuple[Look, Said]], stand: Stand | None = None) -> list[Met]:
    """Judge looks in order, each gate standing as the look before left it, a record a rung."""
    stands: dict[Rung, Stand] = {}
    found: list[Met] = []
    for seen, said in looks:
        rung = rung_of(rule, seen.symbol, seen.session)
        after = judged(rule, seen, said, stands.get(rung, stand or Stand()))
        stands[rung] = after.stand
        if after.met is not None:
            found.append(after.met)
    return found


def days(said: Sequence[Said]) -> list[tuple[Look, Said]]:
    return [(look(number, 100.0), each) for number, each in enumerate(said)]


def told_on(rule: Rule, said: Sequence[Said]) -> list[int]:
    return [(each.session - day(0)).days for each in run(rule, days(said))]


def test_a_gate_tells_when_it_comes_to_hold_and_again_only_beyond_its_slack() -> None:
    values = (31.0, 30.0, 29.0, 31.9, 30.0, 32.0, 29.9, 32.1, 30.0)
    assert told_on(gate(LOW_RSI), [rsi(each) for each in values]) == [1, 8]


def test_a_threshold_is_reached_when_it_is_touched_whichever_way_it_is_approached() -> None:
    assert told_on(gate(Comparison(RSI, "up", 70.0)), [rsi(69.999), rsi(70.0)]) == [1]
    assert told_on(gate(Comparison(RSI, "down", 30.0)), [rsi(30.001), rsi(30.0)]) == [1]


def test_a_value_off_by_the_error_of_its_computation_reaches_a_threshold() -> None:
    for threshold in (0.0, 0.5, 30.0, 5e6):
        assert told_on(gate(Comparison(RSI, "up", threshold)), [rsi(threshold - 1e-13)]) == [0]
        assert told_on(gate(Comparison(RSI, "down", threshold)), [rsi(threshold + 1e-13)]) == [0]
        for off in (1e-7, 1e-3):
            assert told_on(gate(Comparison(RSI, "up", threshold)), [rsi(threshold - off)]) == []


@given(some.floats(-1e6, 1e6), some.sampled_from(("up", "down")))
def test_a_limit_lies_on_the_near_side_by_the_slack_and_hardly_more(
    against: float, direction: Direction
) -> None:
    asked = Comparison(Streak(), direction, 0.0)
    slack = Comparison(RSI, direction, 0.0)
    sign = 1 if direction == "up" else -1
    assert 0 <= (against - limit_of(asked, against, 0)) * sign <= 1e-8
    assert (against - limit_of(slack, against, 1)) * sign == pytest.approx(2.0, abs=1e-6)
    assert (against - limit_of(slack, against, -1)) * sign == pytest.approx(-2.0, abs=1e-6)


def test_the_error_allowed_grows_with_the_threshold_between_a_least_and_a_most() -> None:
    asked = Comparison(Streak(), "up", 0.0)
    for against, error in ((0.0, 1e-12), (1e-4, 1e-12), (0.01, 1e-11), (-0.01, 1e-11), (0.5, 5e-10)):
        assert against - limit_of(asked, against, 0) == pytest.approx(error, rel=1e-3)
    assert 1 - limit_of(asked, 1.0, 0) == pytest.approx(1e-9, rel=1e-5)
    assert 100 - limit_of(asked, 100.0, 0) == pytest.approx(1e-9, rel=1e-3)


@given(some.lists(some.integers(-100, 100), min_size=1, max_size=80), some.sampled_from(("up", "down")))
def test_a_price_that_swings_about_a_level_all_day_tells_once(
    swings: list[int], direction: Direction
) -> None:
    rule = gate(Comparison(Price(), direction, 15.0))
    prices = [15 * (1 + each / 100_000) for each in swings]
    looks = [
        (replace(look(0, price), time=at(0) + timedelta(seconds=number)), priced(price))
        for number, price in enumerate(prices)
    ]
    reached = [price for price in prices if (price >= 15 if direction == "up" else price <= 15)]
    assert [each.price for each in run(rule, looks)] == reached[:1]


@pytest.mark.parametrize("direction,touch,back", [("up", 15.2, 14.0), ("down", 14.8, 16.0)])
def test_a_level_is_judged_by_touch_and_armed_again_by_the_last_price(
    direction: Direction, touch: float, back: float
) -> None:
    rule = gate(Comparison(Price(), direction, 15.0))
    high, low = max(touch, back), min(touch, back)
    touched = [(look(number, back, high, low), priced(back)) for number in range(3)]
    found = run(rule, touched)
    assert [(each.price, each.last, each.seen_by) for each in found] == [(touch, back, "range")] * 3
    near = [(look(number, 15.0, 15.3, 14.7), priced(15.0)) for number in range(3)]
    assert [(each.price, each.seen_by) for each in run(rule, near)] == [(15, "quote")]


def test_a_price_that_reached_its_level_itself_is_told_and_not_the_range() -> None:
    (found,) = run(gate(ABOVE), [(look(0, 15.5, 17.0, 14.0), priced(15.5))])
    assert (found.price, found.seen_by) == (15.5, "quote")
    assert found.parts == (Part("price > 15", 15.5, True),)


def test_only_a_price_against_a_number_is_judged_by_touch() -> None:
    assert is_of_price(ABOVE)
    assert not is_of_price(Comparison(Price(), "up", Average("sma", 50)))
    assert not is_of_price(LOW_RSI)
    assert not is_of_price(Not(ABOVE))
    over = gate(Comparison(Price(), "up", Average("sma", 50)))
    said = Said({Price(): 14.0, Average("sma", 50): 15.0})
    assert run(over, [(look(0, 14.0, 16.0, 13.0), said)]) == []
    assert run(gate(Both((ABOVE, ABOVE))), [(look(0, 14.0, 16.0, 13.0), priced(14.0))]) == []


def test_a_price_whose_level_was_not_traded_touches_nothing() -> None:
    assert run(gate(ABOVE), [(look(0, 14.0, 16.0, 13.0), Said())]) == []


def test_a_measure_is_compared_with_another_and_its_slack_is_of_that_ones_value() -> None:
    rule = gate(Comparison(Average("ema", 12), "up", Average("ema", 26)))
    pairs = ((99.0, 100.0), (101.0, 100.0), (99.6, 100.0), (101.0, 100.0), (99.4, 100.0), (100.0, 100.0))
    said = [Said({Average("ema", 12): one, Average("ema", 26): other}) for one, other in pairs]
    found = run(rule, days(said))
    assert [each.session for each in found] == [day(1), day(5)]
    assert found[0].parts == (Part("ema 12 > ema 26", 101.0, True, "", 100.0),)


def test_what_it_is_compared_with_may_be_what_nobody_knows() -> None:
    rule = gate(Comparison(Average("ema", 12), "up", Average("ema", 26)))
    assert run(rule, days([Said({Average("ema", 12): 101.0})])) == []
    assert run(rule, days([Said({Average("ema", 26): 101.0})])) == []


@pytest.mark.parametrize("unknown_at", [0, 1, 2, 3])
def test_what_nobody_knows_neither_tells_nor_arms_again(unknown_at: int) -> None:
    values: list[Value] = [29.0, 40.0, 29.0, 40.0, 29.0]
    values[unknown_at] = NOBODY
    told = {0: [2, 4], 1: [0, 4], 2: [0, 4], 3: [0, 2]}[unknown_at]
    assert told_on(gate(LOW_RSI), [rsi(each) for each in values]) == told


def test_a_new_extreme_tells_again_only_when_it_is_none_even_loosely() -> None:
    said = [
        Said(atoms={NEW_LOW: each})
        for each in ((False, False), (True, True), (False, True), (True, True), (False, False), (True, True))
    ]
    rule = gate(NEW_LOW)
    assert told_on(rule, said) == [1, 5]
    (first, _) = run(rule, days(said))
    assert first.parts == (Part("new low 52w", None, True),)


def test_a_condition_at_the_close_is_not_known_before_it() -> None:
    rule = gate(AtClose(LOW_RSI))
    early = (look(0, 100.0), rsi(20.0))
    close = (look(0, 100.0, final=True), rsi(20.0))
    found = run(rule, [early, close])
    assert [each.final for each in found] == [True]
    back = (look(1, 100.0), rsi(50.0))
    again = (look(2, 100.0, final=True), rsi(20.0))
    assert len(run(rule, [close, back, again])) == 1
    closed_back = (look(1, 100.0, final=True), rsi(50.0))
    assert len(run(rule, [close, closed_back, again])) == 2


def test_a_not_is_armed_again_where_what_it_denies_holds_even_tightened() -> None:
    rule = gate(Not(LOW_RSI))
    assert told_on(rule, [rsi(each) for each in (29.0, 31.0, 29.0, 31.0, 27.9, 31.0)]) == [1, 5]
    twice = gate(Not(Not(LOW_RSI)))
    assert told_on(twice, [rsi(each) for each in (31.0, 30.0, 31.0, 30.0, 33.0, 30.0)]) == [1, 5]


def test_parts_that_are_joined_are_loosened_each() -> None:
    both, either = gate(Both((LOW_RSI, HIGH_STREAK))), gate(Either((LOW_RSI, HIGH_STREAK)))

    def said(*pairs: tuple[float, float]) -> list[Said]:
        return [Said({RSI: one, Streak(): other}) for one, other in pairs]

    assert told_on(both, said((29, 2), (29, 3), (31, 3), (30, 3), (31, 2), (29, 3), (40, 3), (29, 3))) == [
        1,
        5,
        7,
    ]
    assert told_on(either, said((31, 2), (29, 2), (31, 2), (29, 2), (40, 3), (40, 2), (29, 0))) == [1, 6]


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_part_that_must_last_tells_at_the_look_that_makes_it_last(looks: int) -> None:
    rule = gate(Lasting(LOW_RSI, looks))
    values: list[Value] = [29.0, 31.0, *([29.0] * 5), 31.0, 29.0, 40.0, *([29.0] * 5)]
    first = {1: [0, 10], 2: [3, 11], 3: [4, 12]}[looks]
    assert told_on(rule, [rsi(each) for each in values]) == first


def test_what_nobody_knows_at_a_look_neither_counts_nor_begins_the_count_anew() -> None:
    rule = gate(Lasting(LOW_RSI, 3))
    assert told_on(rule, [rsi(each) for each in (29.0, NOBODY, 29.0, NOBODY, 29.0)]) == [4]


def test_a_look_counts_once_however_often_it_is_made() -> None:
    rule = gate(Lasting(LOW_RSI, 3))
    looks = days([rsi(29.0)] * 3)
    assert run(rule, [looks[0], looks[0], looks[1], looks[1], looks[1]]) == []
    assert [each.session for each in run(rule, [looks[0], looks[0], looks[1], looks[1], looks[2]])] == [
        day(2)
    ]


def test_a_part_that_lasts_within_a_part_that_lasts_is_counted_first() -> None:
    inner = Lasting(LOW_RSI, 2)
    rule = gate(Lasting(inner, 2))
    assert tuple(lastings(Both((Lasting(inner, 2), AtClose(Not(inner)))))) == (
        inner,
        Lasting(inner, 2),
        inner,
    )
    assert told_on(rule, [rsi(29.0)] * 4) == [2]
    after = judged(rule, look(0, 100.0), rsi(29.0), Stand())
    assert after.stand.runs == (1, 0)


def test_counts_of_a_condition_that_had_other_parts_are_not_believed() -> None:
    rule = gate(Lasting(LOW_RSI, 2))
    for runs in ((), (5, 5)):
        after = judged(rule, look(0, 100.0), rsi(29.0), Stand(0.0, runs))
        assert (after.met, after.stand.runs) == (None, (1,))


@pytest.mark.parametrize(
    "tree,waits",
    [
        (LOW_RSI, False),
        (AtClose(LOW_RSI), True),
        (Both((ABOVE, Not(AtClose(LOW_RSI)))), True),
        (Either((ABOVE, Lasting(LOW_RSI, 2))), False),
        (Lasting(AtClose(LOW_RSI), 2), True),
        (NEW_LOW, False),
    ],
    ids=str,
)
def test_a_gate_waits_for_the_close_where_any_part_of_it_does(tree: Tree, waits: bool) -> None:
    assert waits_for_the_close(gate(tree)) is waits


def test_a_ladder_has_no_part_that_waits_for_the_close() -> None:
    assert not waits_for_the_close(
        Rule("day", DayMove(FixedSteps((2.0,)), trigger="close"), frozenset({"X"}))
    )


def test_a_gate_without_parts_that_last_counts_no_looks() -> None:
    assert judged(gate(LOW_RSI), look(0, 100.0), rsi(29.0), Stand()).stand == Stand(1.0)


SESSION_MEASURES: tuple[Measure, ...] = (
    Day(),
    Gap(),
    Volume(),
    Sigmas(),
    Against("HSI"),
    Breadth("HSTECH", "down", 3.0),
    Premium(),
)


@pytest.mark.parametrize("measure", SESSION_MEASURES)
def test_a_measure_of_the_session_makes_each_session_an_episode_of_its_own(measure: Measure) -> None:
    for tree in (
        Comparison(measure, "up", 2.0),
        Comparison(Drawdown("52w"), "up", measure),
        Both((LOW_RSI, Not(Comparison(measure, "up", 2.0)))),
        Either((LOW_RSI, Lasting(Comparison(measure, "up", 2.0), 1))),
    ):
        rule = gate(tree)
        assert by_session(rule)
        assert rung_of(rule, "X", day(3)) == Rung(rule.revision, "X", day(3).isoformat(), "up")
        assert not by_session(gate(tree, "once"))
    rule = gate(Comparison(measure, "up", 2.0))
    values = (3.0, -9.0, 3.0)
    same = [(look(0, 100.0), Said({measure: each})) for each in values]
    assert [each.step for each in run(rule, same)] == [1]
    assert [each.session for each in run(rule, days([Said({measure: 3.0})] * 3))] == [day(0), day(1), day(2)]


def test_other_gates_keep_one_record_over_all_sessions() -> None:
    for tree in (LOW_RSI, ABOVE, NEW_LOW, Story("buyback", 24), Comparison(Drawdown("52w"), "up", 20.0)):
        rule = gate(tree)
        assert not by_session(rule)
        assert rung_of(rule, "X", day(3)) == Rung(rule.revision, "X", "gate", "up")
        assert by_session(gate(tree, "once a session"))


def test_a_rule_that_tells_once_a_session_is_told_once_in_each() -> None:
    rule = gate(LOW_RSI, "once a session")
    looks = [
        (replace(look(number, 100.0), time=at(number, minute)), rsi(value))
        for number in range(2)
        for minute, value in enumerate((29.0, 50.0, 29.0))
    ]
    assert [each.session for each in run(rule, looks)] == [day(0), day(1)]


def test_a_rule_that_tells_once_tells_the_first_time_that_it_comes_to_hold() -> None:
    rule = gate(LOW_RSI, "once")
    assert told_on(rule, [rsi(each) for each in (40.0, 29.0, 50.0, 29.0)]) == [1]
    # One that held before anybody asked has told nothing yet.
    held = days([rsi(each) for each in (29.0, 50.0, 29.0, 50.0, 29.0)])
    assert [each.session for each in run(rule, held, Stand(-1.0))] == [day(2)]


def test_a_rule_tells_on_its_last_day_and_no_more_after_it() -> None:
    rule = gate(LOW_RSI, until=day(1))
    assert told_on(rule, [rsi(40.0), rsi(29.0)]) == [1]
    assert told_on(rule, [rsi(40.0), rsi(40.0), rsi(29.0)]) == []
    stand = Stand(0.0, (1,), at(0))
    assert judged(rule, look(2, 100.0), rsi(29.0), stand).stand is stand
    done = Stand(1.0)
    assert judged(gate(LOW_RSI, "once"), look(2, 100.0), rsi(50.0), done).stand is done


def test_what_is_raised_names_the_condition_its_parts_and_the_record_that_it_moves_on() -> None:
    rule = gate(Both((LOW_RSI, Not(HIGH_STREAK), Either((NEW_LOW, Story("buyback", 24))))))
    said = Said({RSI: 29.0, Streak(): -2.0}, {NEW_LOW: (True, True)})
    seen = Look("X", day(4), at(4, 30), 12.5, 13.0, 12.0, final=True, adjusted=True)
    after = judged(rule, seen, said, Stand(4.0))
    assert after.stand == Stand(5.0)
    assert after.met == Met(
        rule="rule",
        revision=rule.revision,
        symbol="X",
        session=day(4),
        time=at(4, 30),
        condition="rsi 14 < 30 and not streak > 3 and (new low 52w or news buyback 24h)",
        parts=(
            Part("rsi 14 < 30", 29.0, True),
            Part("streak > 3", -2.0, False),
            Part("new low 52w", None, True),
            Part("news buyback 24h", None, None, "nobody knows"),
        ),
        episode="gate",
        before=4.0,
        step=5.0,
        price=12.5,
        last=12.5,
        final=True,
        seen_by="quote",
        adjusted=True,
    )
    assert after.met.rung == Rung(rule.revision, "X", "gate", "up")


def test_a_part_of_which_nobody_knows_says_so() -> None:
    rule = gate(
        Either((LOW_RSI, HIGH_STREAK, NEW_LOW, Comparison(Average("sma", 5), "up", Average("sma", 9))))
    )
    said = Said({RSI: 29.0, Average("sma", 5): 3.0}, {NEW_LOW: (False, False)})
    (found,) = run(rule, days([said]))
    assert found.parts[1:] == (
        Part("streak > 3", None, None, "nobody knows"),
        Part("new low 52w", None, False),
        Part("sma 5 > sma 9", 3.0, None, "nobody knows"),
    )


def test_no_price_moves_a_fingerprint_and_the_next_episode_has_another() -> None:
    first, again = run(gate(LOW_RSI), days([rsi(29.0), rsi(50.0), rsi(29.0)]))
    other = run(gate(LOW_RSI), [(look(0, 55.0), rsi(20.0))])[0]
    assert first.fingerprint == other.fingerprint != again.fingerprint
    assert (first.before, first.step, again.before, again.step) == (0, 1, 2, 3)
    assert len(first.fingerprint) == 20


def test_a_ladder_is_no_gate() -> None:
    ladder = Rule("steps", DayMove(FixedSteps((2.0,))), frozenset({"X"}))
    with pytest.raises(TypeError, match=r"^steps is a ladder, and no gate\.$"):
        judged(ladder, look(0, 100.0), Said(), Stand())
    assert list(leaves_of(ladder)) == []


def test_the_parts_of_a_gate_are_given_in_the_order_they_are_written() -> None:
    tree = Both((LOW_RSI, Lasting(HIGH_STREAK, 2), Not(Either((NEW_LOW, AtClose(ABOVE))))))
    assert list(leaves_of(gate(tree))) == [LOW_RSI, HIGH_STREAK, NEW_LOW, ABOVE]


def test_what_is_measured_since_it_was_told_may_be_told_again_at_once_for_nothing_moved_since() -> None:
    since = Comparison(SinceTold(), "up", 5.0)
    moved = Said({SinceTold(): 6.0})
    assert judged(gate(since), look(0, 106.0), moved, Stand()).stand.record == 2
    # a day that moved so far is an episode of its own, whatever was told in it
    of_the_day = Said({SinceTold(): 6.0, Day(): 6.0})
    both = Both((since, Comparison(Day(), "up", 5.0)))
    assert judged(gate(both), look(0, 106.0), of_the_day, Stand()).stand.record == 1
    # what else holds still holds, and arms nothing
    low = Said({SinceTold(): 6.0}, {NEW_LOW: (True, True)})
    assert judged(gate(Either((since, NEW_LOW))), look(0, 106.0), low, Stand()).stand.record == 1


def test_only_what_is_measured_since_it_was_told_remembers() -> None:
    since = Comparison(SinceTold(), "up", 3.0)
    assert remembers(since)
    assert remembers(Both((NEW_LOW, Not(Comparison(RSI, "up", SinceTold())))))
    assert not remembers(Both((NEW_LOW, LOW_RSI, Story("buyback", 24))))


# The record of a gate.

truths = some.sampled_from((True, False, NOBODY))


@given(some.lists(some.tuples(truths, truths), max_size=30), some.booleans())
def test_a_record_tells_once_between_two_looks_that_arm_it(
    looks: list[tuple[Truth, Truth]], anew: bool
) -> None:
    record, armed, told = 0.0, True, 0
    for strict, loose in looks:
        before = record
        record, tells = moved_on(record, strict, loose, anew=anew)
        assert tells == (armed and strict is True)
        if tells:
            armed, told = False, told + 1
        if anew and loose is False:
            armed = True
        assert armed == (record % 2 == 0)
        assert before <= record <= before + 2
        if isinstance(strict, Unknown) and isinstance(loose, Unknown):
            assert record == before
    if not anew:
        assert told <= 1


def test_a_gate_that_held_before_anybody_asked_tells_only_after_it_ceased() -> None:
    assert moved_on(-1.0, True, True, anew=True) == (-1.0, False)
    assert moved_on(-1.0, False, False, anew=True) == (0.0, False)
    assert moved_on(0.0, True, False, anew=True) == (2.0, True)
    assert moved_on(0.0, True, False, anew=False) == (1.0, True)


# Whole trees, against a judge of another make.

MEASURES: tuple[Measure, ...] = (RSI, Streak(), Drawdown("52w"), Average("sma", 50))
atoms = some.sampled_from((NEW_LOW, Story("buyback", 24)))
comparisons = some.builds(
    Comparison,
    some.sampled_from(MEASURES),
    some.sampled_from(("up", "down")),
    some.sampled_from((1.0, 2.0, 20.0, 30.0)) | some.sampled_from(MEASURES),
)
leaves: some.SearchStrategy[Tree] = some.one_of(comparisons, atoms)


def _composed(parts: some.SearchStrategy[Tree]) -> some.SearchStrategy[Tree]:
    some_parts = some.lists(parts, min_size=2, max_size=3).map(tuple)
    return (
        some.builds(Both, some_parts)
        | some.builds(Either, some_parts)
        | some.builds(Not, parts)
        | some.builds(AtClose, parts)
    )


plain_trees: some.SearchStrategy[Tree] = some.recursive(leaves, _composed, max_leaves=5)
trees: some.SearchStrategy[Tree] = some.recursive(
    leaves,
    lambda parts: _composed(parts) | some.builds(Lasting, parts, some.integers(1, 3)),
    max_leaves=5,
)
numbers = some.sampled_from((0.0, 0.9, 1.0, 1.1, 1.9, 2.0, 2.6, 19.0, 20.0, 20.5, 29.0, 30.0, 31.0, 33.0))
values: some.SearchStrategy[Value] = numbers | some.just(NOBODY)
held = some.sampled_from(((True, True), (False, True), (False, False), (NOBODY, NOBODY)))
said = some.builds(
    Said,
    some.fixed_dictionaries(dict.fromkeys(MEASURES, values)),
    some.fixed_dictionaries({NEW_LOW: held, Story("buyback", 24): held}),
)
known = some.builds(
    Said,
    some.fixed_dictionaries(dict.fromkeys(MEASURES, numbers)),
    some.fixed_dictionaries(
        dict.fromkeys(
            (NEW_LOW, Story("buyback", 24)), some.sampled_from(((True, True), (False, True), (False, False)))
        )
    ),
)


def holds(tree: Tree, said: Said, final: bool, lean: int) -> Truth:  # noqa: PLR0911 - one a kind of part
    """Judge a tree in which nothing must last."""
    match tree:
        case Both(parts):
            return all_of([holds(each, said, final, lean) for each in parts])
        case Either(parts):
            return any_of([holds(each, said, final, lean) for each in parts])
        case Not(part):
            return opposite(holds(part, said, final, -lean))
        case AtClose(part):
            return holds(part, said, final, lean) if final else NOBODY
        case Comparison(measure, direction, threshold):
            value = said.value(measure)
            limit = threshold if isinstance(threshold, float) else said.value(threshold)
            if isinstance(value, Unknown) or isinstance(limit, Unknown):
                return NOBODY
            sign = 1 if direction == "up" else -1
            return (value - limit) * sign >= -lean * measure.slack(limit) - 1e-6
        case NewExtreme() | Story():
            return said.holds(tree, loose=lean == 1)
        case Lasting():
            raise AssertionError("nothing must last here")


looks_said = some.lists(some.tuples(said, some.booleans()), min_size=1, max_size=12)


def looks_of(given_looks: Sequence[tuple[Said, bool]]) -> list[tuple[Look, Said]]:
    return [(look(number, 100.0, final=final), each) for number, (each, final) in enumerate(given_looks)]


@settings(max_examples=200, deadline=None)
@given(plain_trees, looks_said)
def test_a_gate_tells_exactly_where_it_holds_for_the_first_time_since_it_held_not_even_loosened(
    tree: Tree, given_looks: list[tuple[Said, bool]]
) -> None:
    expected, armed = [], True
    for number, (each, final) in enumerate(given_looks):
        if armed and holds(tree, each, final, 0) is True:
            expected.append(day(number))
            armed = False
        if holds(tree, each, final, 1) is False:
            armed = True
    assert [each.session for each in run(gate(tree), looks_of(given_looks))] == expected


@settings(max_examples=150, deadline=None)
@given(trees, known, some.booleans())
def test_what_holds_as_written_holds_loosened(tree: Tree, said: Said, final: bool) -> None:
    after = judged(gate(tree), look(0, 100.0, final=final), said, Stand())
    if after.met is not None:
        assert after.stand.record == 1


@settings(max_examples=200, deadline=None)
@given(trees, looks_said, some.sampled_from(("each episode", "once", "once a session")), some.data())
def test_any_split_of_a_run_by_restarts_tells_what_an_unbroken_run_tells(
    tree: Tree, given_looks: list[tuple[Said, bool]], often: Often, data: some.DataObject
) -> None:
    rule, looks = gate(tree, often), looks_of(given_looks)
    again = data.draw(some.lists(some.booleans(), min_size=len(looks), max_size=len(looks)))
    kept: dict[Rung, tuple[float, list[int], float | None]] = {}
    found: list[Met] = []
    for (seen, each), twice in zip(looks, again, strict=True):
        rung = rung_of(rule, "X", seen.session)
        # A worker that is killed after it wrote down what a look told makes the same look once more.
        for _ in range(1 + twice):
            after = judged(rule, seen, each, _read(kept.get(rung)))
            found += [after.met] if after.met is not None else []
            kept[rung] = _written(after.stand)
    unbroken = run(rule, looks)
    assert found == unbroken
    keys = [(each.rung, each.step) for each in found]
    assert len(keys) == len(set(keys))


def _written(stand: Stand) -> tuple[float, list[int], float | None]:
    return stand.record, list(stand.runs), None if stand.counted is None else stand.counted.timestamp()


def _read(kept: tuple[float, list[int], float | None] | None) -> Stand:
    if kept is None:
        return Stand()
    record, runs, counted = kept
    when = None if counted is None else datetime.fromtimestamp(counted, at(0).tzinfo)
    return Stand(record, tuple(runs), when)


@settings(max_examples=150, deadline=None)
@given(trees, some.lists(some.booleans(), min_size=1, max_size=8))
def test_a_gate_of_which_nobody_knows_anything_stands_as_it_stood(tree: Tree, finals: list[bool]) -> None:
    stand = Stand(0.0)
    for number, final in enumerate(finals):
        after = judged(gate(tree), look(number, 100.0, final=final), Said(), stand)
        assert (after.met, after.stand.record) == (None, 0)
        stand = after.stand
