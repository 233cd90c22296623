from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.rules.conditions import Condition, DayMove, FixedSteps, FromBase, FromExtreme, Gate, Rule, Telling
from bot.rules.measures import ChangeSince, Day, Direction, Drawdown, FromCost, OffLow, Price, Rsi, SinceTold
from bot.rules.terms import Both, Comparison
from bot.rules.threshold import Key, Threshold, threshold_of, widened
from bot.rules.thresholds import SLOTS, Thresholds

PRICE = Key("1810.HK", Price())
DAY = Key("1810.HK", Day(), "session")


@dataclass
class OneByOne:
    """Every alert looked at on its own, as the words say: what the index must agree with."""

    alerts: dict[int, tuple[Key, Direction, float]] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)

    def reached(self, key: Key, low: float, high: float) -> tuple[list[int], list[int]]:
        fired: list[int] = []
        back: list[int] = []
        for number, (at, side, threshold) in self.alerts.items():
            if at != key:
                continue
            slack = key.measure.slack(threshold)
            if number not in self.told:
                if high >= threshold if side == "up" else low <= threshold:
                    fired.append(number)
            elif key.again == "back" and (
                low < threshold - slack if side == "up" else high > threshold + slack
            ):
                back.append(number)
        return sorted(fired), sorted(back)


def both_reached(
    index: Thresholds, plain: OneByOne, key: Key, low: float, high: float
) -> tuple[Sequence[int], Sequence[int]]:
    fired, back = index.reached(key, low, high)
    assert (sorted(fired), sorted(back)) == plain.reached(key, low, high)
    return fired, back


# Few enough values that thresholds are equal, are touched, and are passed.
LEVEL = st.integers(90, 110).map(float) | st.floats(-5, 200, allow_nan=False)
SIDE: st.SearchStrategy[Direction] = st.sampled_from(["up", "down"])
STEP = st.one_of(
    st.tuples(st.just("add"), st.sampled_from([PRICE, DAY]), SIDE, LEVEL, st.booleans()),
    st.tuples(st.just("remove"), st.integers(0, 40)),
    st.tuples(st.just("change"), st.integers(0, 40), LEVEL),
    st.tuples(st.just("arm"), st.integers(0, 40)),
    st.tuples(st.just("tell"), st.integers(0, 40)),
    st.tuples(st.just("session"), st.just(0)),
    st.tuples(st.just("look"), st.sampled_from([PRICE, DAY]), LEVEL, LEVEL, st.sampled_from(["all", "some"])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=80))
def test_the_index_proposes_what_every_alert_looked_at_on_its_own_does(  # noqa: C901 - a line a step
    steps: list[tuple[object, ...]],
) -> None:
    index, plain = Thresholds(), OneByOne()
    for count, step in enumerate(steps):
        match step:
            case ("add", Key() as key, ("up" | "down") as side, float(level), bool(told)):
                index.add(key, side, level, count, told=told)
                plain.alerts[count] = (key, side, level)
                if told:
                    plain.told.add(count)
            case ("remove", int(number)):
                assert index.remove(number) == (plain.alerts.pop(number, None) is not None)
                plain.told.discard(number)
            case ("change", int(number), float(level)):
                assert index.change(number, level) == (number in plain.alerts)
                if number in plain.alerts:
                    plain.alerts[number] = (*plain.alerts[number][:2], level)
                    plain.told.discard(number)
            case ("arm", int(number)):
                index.arm([number])
                plain.told.discard(number)
            case ("tell", int(number)):
                index.tell([number])
                plain.told |= {number} & plain.alerts.keys()
            case ("session", _):
                index.arm_all(DAY)
                plain.told -= {number for number, (key, _, _) in plain.alerts.items() if key == DAY}
            case ("look", Key() as key, float(one), float(other), what):
                fired, back = both_reached(index, plain, key, min(one, other), max(one, other))
                if what == "some":
                    fired, back = fired[::2], back[1:]
                index.tell(fired)
                index.arm(back)
                plain.told = plain.told.union(fired).difference(back)
        for number in (count, 0, 7):
            assert index.is_told(number) == (number in plain.told)
            assert index.find(number) == plain.alerts.get(number)


def test_thousands_of_alerts_on_one_instrument_agree_with_each_on_its_own() -> None:
    chance = random.Random(1810)
    index, plain = Thresholds(), OneByOne()
    first = [(round(chance.gauss(100, 5), 1), number) for number in range(6000)]
    for side in ("up", "down"):
        some = [each for each in first if each[1] % 2 == (side == "up")]
        levels, numbers = [level for level, _ in some], [number for _, number in some]
        index.fill(PRICE, "up" if side == "up" else "down", levels, numbers)
        plain.alerts |= {number: (PRICE, "up" if side == "up" else "down", level) for level, number in some}
    price, fired_at_all = 100.0, 0
    for tick in range(1200):
        moved = price + chance.gauss(0, 0.3)
        low, high = sorted((price, moved))
        fired, back = both_reached(index, plain, PRICE, low, high)
        index.tell(fired)
        index.arm(back)
        plain.told = plain.told.union(fired).difference(back)
        fired_at_all += len(fired)
        price = moved
        number = 6000 + tick
        level = round(chance.gauss(price, 5), 1)
        index.add(PRICE, "down" if tick % 2 else "up", level, number)
        plain.alerts[number] = (PRICE, "down" if tick % 2 else "up", level)
        gone = chance.choice(list(plain.alerts))
        assert index.remove(gone)
        del plain.alerts[gone]
        plain.told.discard(gone)
    assert fired_at_all > 3000


def test_a_dip_between_two_looks_is_not_hidden_by_the_nearest_threshold_above() -> None:
    index = Thresholds()
    index.add(PRICE, "up", 10.0, 1)
    assert index.reached(PRICE, 9.9, 10.1).fired == pytest.approx([1])
    index.tell([1])
    index.add(PRICE, "up", 10.5, 2)
    assert not index.reached(PRICE, 9.95, 10.2).back
    assert list(index.reached(PRICE, 9.85, 10.0).back) == [1]
    index.arm([1])
    assert list(index.reached(PRICE, 9.95, 10.0).fired) == [1]


def test_a_threshold_that_is_touched_is_reached_and_slack_must_be_passed() -> None:
    index = Thresholds()
    index.add(PRICE, "down", 100.0, 1)
    assert not index.reached(PRICE, 100.01, 102).fired
    assert list(index.reached(PRICE, 100, 102).fired) == [1]
    index.tell([1])
    assert not index.reached(PRICE, 100, 101).back
    assert list(index.reached(PRICE, 100, 101.01).back) == [1]


def test_what_a_look_reached_is_proposed_until_it_is_told() -> None:
    index = Thresholds()
    index.add(PRICE, "up", 10.0, 1)
    assert [list(index.reached(PRICE, 11, 12).fired) for _ in range(2)] == [[1], [1]]
    index.tell([1])
    assert not index.reached(PRICE, 11, 12).fired


def test_a_slot_that_is_used_again_answers_to_its_new_number_only() -> None:
    index = Thresholds()
    index.add(PRICE, "up", 10.0, 5)
    index.add(PRICE, "up", 20.0, SLOTS + 5)
    assert index.find(5) is None
    assert not index.remove(5)
    index.tell([5])
    assert not index.is_told(5)
    assert list(index.reached(PRICE, 0, 30).fired) == [SLOTS + 5]


def test_an_alert_of_a_session_is_armed_by_the_next_and_by_no_return() -> None:
    index = Thresholds()
    index.add(DAY, "up", 2.0, 1)
    index.tell(index.reached(DAY, 0, 3).fired)
    assert not index.reached(DAY, -9, 1).back
    assert not index.reached(DAY, 3, 3).fired
    index.arm_all(DAY)
    assert list(index.reached(DAY, 3, 3).fired) == [1]


@pytest.mark.parametrize("key", [PRICE, DAY])
@pytest.mark.parametrize("side", ["up", "down"])
def test_levels_are_idle_while_no_look_can_reach_anything_there(key: Key, side: Direction) -> None:
    index = Thresholds()
    levels = index.levels(key)
    idle = [levels.is_idle]
    index.add(key, side, 2.0, 1)
    idle.append(levels.is_idle)
    index.tell([1])
    idle.append(levels.is_idle)
    index.arm_all(key)
    idle.append(levels.is_idle)
    index.remove(1)
    idle.append(levels.is_idle)
    # What only another session arms waits for no look.
    assert idle == [True, False, key is DAY, False, True]


@pytest.mark.parametrize("threshold", [nan, inf, -inf])
def test_a_threshold_that_is_no_number_is_refused_and_leaves_the_index_as_it_was(threshold: float) -> None:
    index = Thresholds()
    index.add(PRICE, "up", 10.0, 1)
    with pytest.raises(ValueError, match="finite"):
        index.add(PRICE, "up", threshold, 1)
    assert index.find(1) == (PRICE, "up", 10.0)


def test_a_value_that_is_no_number_reaches_nothing() -> None:
    index = Thresholds()
    index.add(PRICE, "up", 10.0, 1)
    assert index.reached(PRICE, nan, nan) == ((), ())


def test_ten_thousand_alerts_take_at_most_fifty_bytes_each_after_churn() -> None:
    chance = random.Random(2)
    index = Thresholds()
    for number in range(10_000):
        index.add(PRICE, "up", chance.uniform(1, 2), number)
    for number in range(10_000):
        index.remove(number)
        index.add(PRICE, "down", chance.uniform(1, 2), SLOTS + number)
    assert index.bytes() / 10_000 < 50


def rule(condition: Condition, telling: Telling | None = None) -> Rule:
    return Rule("r", condition, frozenset({"1810.HK"}), telling=telling or Telling())


STEPS = FixedSteps((3.0,))


@pytest.mark.parametrize(
    "condition,telling,expected",
    [
        (Gate(Comparison(Price(), "up", 15.0)), Telling(), Threshold(Price(), "up", 15.0)),
        (Gate(Comparison(Price(), "up", 15.0)), Telling("once"), Threshold(Price(), "up", 15.0, "never")),
        (Gate(Comparison(Rsi(), "down", 30.0)), Telling("once a session"),
         Threshold(Rsi(), "down", 30.0, "session")),
        (DayMove(STEPS, ("up",)), Telling(), Threshold(Day(), "up", 3.0, "session")),
        (DayMove(STEPS, ("down",)), Telling(), Threshold(Day(), "down", -3.0, "session")),
        (FromBase(ChangeSince(date(2021, 2, 17)), STEPS, ("down",)), Telling(),
         Threshold(ChangeSince(date(2021, 2, 17)), "down", -3.0, "never")),
        (FromExtreme("low", (40.0,), "close", "touch", "52w"), Telling(),
         Threshold(OffLow("52w"), "up", 40.0, "extreme")),
        (FromExtreme("peak", (20.0,), "intraday", "touch", "all"), Telling(),
         Threshold(Drawdown("all", "intraday"), "up", 20.0, "extreme")),
    ],
)  # fmt: skip
def test_a_rule_of_one_threshold_says_which(
    condition: Condition, telling: Telling, expected: Threshold
) -> None:
    assert threshold_of(rule(condition, telling)) == expected


@pytest.mark.parametrize(
    "condition",
    [
        DayMove(STEPS),
        DayMove(FixedSteps((3.0, 5.0)), ("up",)),
        DayMove(FixedSteps((3.0,), every=1.0), ("up",)),
        DayMove(STEPS, ("up",), "close"),
        FromExtreme("low", (20.0, 40.0), "close", "touch", "52w"),
        FromExtreme("low", (20.0,), "close", "close", "52w"),
        Gate(Comparison(SinceTold(), "up", 3.0)),
        Gate(Comparison(Price(), "up", Rsi())),
        Gate(Both((Comparison(Price(), "up", 1.0), Comparison(Rsi(), "up", 1.0)))),
    ],
)
def test_a_rule_that_takes_more_to_tell_has_no_one_threshold(condition: Condition) -> None:
    assert threshold_of(rule(condition)) is None


@pytest.mark.parametrize("direction,just", [("up", 16.2 * 1.03), ("down", 16.2 * 0.97)])
def test_a_move_from_ones_own_price_is_a_price_that_its_exact_level_reaches(
    direction: Direction, just: float
) -> None:
    found = threshold_of(rule(FromBase(FromCost(16.2), STEPS, (direction,))))
    assert found is not None
    assert (found.measure, found.side, found.again) == (Price(), direction, "never")
    assert found.threshold <= just if direction == "up" else found.threshold >= just
    assert found.threshold == pytest.approx(just)


def test_a_computed_range_is_widened_by_less_than_any_source_prints() -> None:
    low, high = widened(-3.0, 2.0)
    assert low < -3.0 - 1e-9
    assert high > 2.0 + 1e-9
    assert high - low == pytest.approx(5.0, abs=1e-6)
