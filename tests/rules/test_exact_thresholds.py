"""The index of thresholds in figures: what each call moves, and what it takes."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from datetime import date
from math import inf, nan
from mmap import PAGESIZE

import pytest

from bot.rules.conditions import FixedSteps, FromBase, Gate, Rule, Telling
from bot.rules.levels import NOTHING
from bot.rules.measures import ChangeSince, Day, Direction, FromCost, OffLow, Price, Rsi
from bot.rules.slots import SLOTS, Slots
from bot.rules.sorted_columns import Pile
from bot.rules.terms import Comparison
from bot.rules.threshold import Key, Threshold, threshold_of, widened
from bot.rules.thresholds import Thresholds

PRICE = Key("1810.HK", Price())
DAY = Key("1810.HK", Day(), "session")
ON_A_PAGE = PAGESIZE // 8
UP_AND_DOWN: tuple[Direction, ...] = ("up", "down")


def test_many_thresholds_put_in_at_once_are_each_as_if_put_in_alone() -> None:
    index = Thresholds()
    index.fill(PRICE, "up", [12.0, 10.0, 11.0], [1, 2, 3])
    index.fill(PRICE, "down", [8.0, 9.0], [4, 5])
    assert [index.find(number) for number in range(1, 6)] == [
        (PRICE, "up", 12.0),
        (PRICE, "up", 10.0),
        (PRICE, "up", 11.0),
        (PRICE, "down", 8.0),
        (PRICE, "down", 9.0),
    ]
    assert not any(index.is_told(number) for number in range(1, 6))
    assert list(index.reached(PRICE, 9.5, 11.5).fired) == [2, 3]
    assert list(index.reached(PRICE, 8.5, 9.5).fired) == [5]
    assert list(index.reached(PRICE, 7, 13).fired) == [2, 3, 1, 5, 4]
    index.fill(PRICE, "up", [10.5], [SLOTS + 2])
    assert index.find(2) is None
    assert list(index.reached(PRICE, 9.5, 11.5).fired) == [SLOTS + 2, 3]


def test_thresholds_and_numbers_that_are_put_in_at_once_are_as_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        Thresholds().fill(PRICE, "up", [12.0, 10.0], [1])
    with pytest.raises(ValueError, match="zip"):
        Thresholds().fill(PRICE, "up", [12.0], [1, 2])


def test_nothing_is_put_in_where_one_of_many_thresholds_is_no_number() -> None:
    index = Thresholds()
    with pytest.raises(ValueError, match=r"^A threshold is a finite number, not nan\.$"):
        index.fill(PRICE, "up", [12.0, nan], [1, 2])
    assert index.find(1) is None
    assert index.reached(PRICE, 0, 100) is NOTHING


def test_a_threshold_is_changed_to_a_finite_number_only() -> None:
    index = Thresholds()
    index.add(PRICE, "down", 10.0, 7)
    with pytest.raises(ValueError, match=r"^A threshold is a finite number, not inf\.$"):
        index.change(7, inf)
    assert index.change(7, 9.0)
    assert index.find(7) == (PRICE, "down", 9.0)
    assert not index.change(8, 9.0)


def test_the_index_names_its_measures_and_the_levels_of_each_instrument() -> None:
    index = Thresholds()
    index.add(PRICE, "up", 10.0, 1)
    index.add(DAY, "up", 2.0, 2)
    index.add(Key("0700.HK", Price()), "up", 10.0, 3)
    keys = index.keys()
    assert {each.measure for each in keys} == {Price(), Day()}
    assert [each.key for each in index.of("1810.HK")] == [PRICE, DAY]
    assert [each.key for each in index.of("0700.HK")] == [Key("0700.HK", Price())]
    assert list(index.of("BABA")) == []
    assert "0700.HK" in index
    assert "BABA" not in index
    assert index.levels(PRICE) is next(iter(index.of("1810.HK")))


@pytest.mark.parametrize("side", UP_AND_DOWN)
def test_what_one_look_reached_is_told_at_once_and_armed_at_once(side: Direction) -> None:
    index, sign = Thresholds(), 1 if side == "up" else -1
    key = Key("X", Rsi())
    for number in range(4):
        index.add(key, side, 50.0 + sign * number, number)
    low, high = sorted((50.0 - sign * 9, 50.0 + sign * 2))
    fired = index.reached(key, low, high).fired
    assert list(fired) == [0, 1, 2]
    index.tell(fired)
    assert [index.is_told(number) for number in range(4)] == [True, True, True, False]
    near = 50.0 - sign * 1.5
    back = index.reached(key, near, near).back
    # An rsi comes back by two points: from 51 and from 52, not from 50.
    assert sorted(back) == [1, 2]
    index.arm(back)
    assert [index.is_told(number) for number in range(4)] == [True, False, False, False]


def test_alerts_of_several_places_are_told_in_one_call() -> None:
    index = Thresholds()
    index.add(PRICE, "up", 10.0, 1)
    index.add(PRICE, "up", 11.0, 2)
    index.add(PRICE, "up", 12.0, 3)
    index.add(PRICE, "down", 9.0, 4)
    index.add(DAY, "up", 2.0, 5)
    index.tell([5, 3, 99, 4, 1])
    assert [index.is_told(number) for number in range(1, 6)] == [True, False, True, True, True]
    assert list(index.reached(PRICE, 5, 20).fired) == [2]
    assert not index.reached(DAY, 0, 5).fired
    index.arm([1, 2, 98, 5])
    assert [index.is_told(number) for number in range(1, 6)] == [False, False, True, True, False]
    assert list(index.reached(PRICE, 11.99, 20).fired) == [1, 2]
    assert list(index.reached(DAY, 0, 5).fired) == [5]
    index.tell([])
    index.arm([97])
    assert [index.is_told(number) for number in range(1, 6)] == [False, False, True, True, False]


def test_a_told_alert_that_is_told_again_stays_told() -> None:
    index = Thresholds()
    index.add(PRICE, "up", 10.0, 1, told=True)
    assert index.is_told(1)
    assert not index.reached(PRICE, 10, 11).fired
    index.tell([1])
    assert index.is_told(1)
    assert not index.is_told(2)


def test_a_new_session_arms_the_told_of_both_sides_of_its_measure_alone() -> None:
    index = Thresholds()
    index.add(DAY, "up", 2.0, 1, told=True)
    index.add(DAY, "down", -2.0, 2, told=True)
    index.add(PRICE, "up", 10.0, 3, told=True)
    index.arm_all(DAY)
    assert [index.is_told(number) for number in (1, 2, 3)] == [False, False, True]
    assert list(index.reached(DAY, -3, 3).fired) == [1, 2]


def test_the_nearest_of_several_told_alerts_is_armed_first() -> None:
    index = Thresholds()
    for number, level in enumerate((100.0, 102.0, 104.0)):
        index.add(PRICE, "up", level, number, told=True)
        index.add(PRICE, "down", 50.0 - number, 10 + number, told=True)
    # One per cent of 104 back is 102.96; 102 is back below 100.98.
    assert 2 not in index.reached(PRICE, 102.97, 102.97).back
    assert 2 in index.reached(PRICE, 102.95, 102.95).back
    assert 1 not in index.reached(PRICE, 100.99, 100.99).back
    assert 1 in index.reached(PRICE, 100.97, 100.97).back
    assert 12 not in index.reached(PRICE, 40, 48.47).back
    assert 12 in index.reached(PRICE, 40, 48.49).back


def test_levels_have_a_place_of_their_own_in_the_order_they_came() -> None:
    index = Thresholds()
    assert [index.levels(key).place for key in (PRICE, DAY, PRICE)] == [0, 1, 0]


def test_bytes_count_every_table_and_grow_with_what_is_in_them() -> None:
    index = Thresholds()
    empty = index.bytes()
    assert 0 < empty < 2000
    assert index.mapped == 0
    index.add(PRICE, "up", 10.0, 0)
    one = index.bytes()
    # A page of each of three columns by slot, and the tables of an instrument, its levels and their pile.
    assert index.mapped == 3 * PAGESIZE
    assert 700 < one - empty - index.mapped < 2000
    index.levels(DAY)
    assert 300 < index.bytes() - one < 1000
    index.add(PRICE, "up", 10.0, 8 * ON_A_PAGE)
    assert index.mapped == (9 + 5 + 5) * PAGESIZE


def test_a_slot_knows_its_alert_by_how_often_it_was_used() -> None:
    slots = Slots()
    assert slots.slot(3) is None
    slots.note(3, 1.5, 9)
    assert (slots.slot(3), slots.number(3), slots.level[3], slots.place[3]) == (3, 3, 1.5, 9)
    assert slots.level_of(3) == 1.5
    assert slots.slot(SLOTS + 3) is None
    again = 5 * SLOTS + 3
    slots.note(again, 2.5, 4)
    assert (slots.slot(again), slots.number(3), slots.level_of(again)) == (3, again, 2.5)
    assert slots.slot(3) is None
    last = SLOTS - 1
    slots.note(last, 7.0, 1)
    assert (slots.slot(last), slots.level_of(last), slots.mapped) == (last, 7.0, 16 * SLOTS)


def test_columns_by_slot_take_whole_pages_up_to_the_last_that_was_used() -> None:
    slots = Slots()
    assert slots.mapped == 0
    bare = slots.bytes()
    assert 0 < bare < 1500
    for number, pages in (
        (ON_A_PAGE - 1, 3),
        (3, 3),
        (ON_A_PAGE, 4),
        (2 * ON_A_PAGE - 1, 4),
        (2 * ON_A_PAGE, 7),
    ):
        slots.note(number, 1.0, 1)
        # Eight, four and four bytes a slot, in whole pages.
        assert slots.mapped == PAGESIZE * pages
        assert slots.bytes() == bare + slots.mapped


@pytest.mark.parametrize(
    "step,direction,expected",
    [(3.0, "up", 16.2 * 1.03), (3.0, "down", 16.2 * 0.97), (25.0, "up", 20.25), (50.0, "down", 8.1)],
)
def test_a_move_from_ones_own_price_is_a_hair_short_of_its_level(
    step: float, direction: Direction, expected: float
) -> None:
    condition = FromBase(FromCost(16.2), FixedSteps((step,)), (direction,))
    found = threshold_of(Rule("r", condition, frozenset({"X"})))
    assert found is not None
    short = (expected - found.threshold) / expected * (1 if direction == "up" else -1)
    assert 0.5e-12 < short < 2e-12


def test_a_move_since_a_date_upwards_is_a_threshold_above() -> None:
    base = ChangeSince(date(2021, 2, 17))
    rule = Rule("r", FromBase(base, FixedSteps((3.0,)), ("up",)), frozenset({"X"}))
    assert threshold_of(rule) == Threshold(base, "up", 3.0, "never")


@pytest.mark.parametrize(
    "condition",
    [
        FromBase(ChangeSince(date(2021, 2, 17)), FixedSteps((3.0,))),
        FromBase(ChangeSince(date(2021, 2, 17)), FixedSteps((3.0,)), ("up",), "close"),
        FromBase(ChangeSince(date(2021, 2, 17)), FixedSteps((3.0,), 1.0), ("up",)),
        FromBase(FromCost(16.2), FixedSteps((3.0,))),
        FromBase(FromCost(16.2), FixedSteps((3.0,)), ("up",), "close"),
        FromBase(FromCost(16.2), FixedSteps((3.0,), 1.0), ("up",)),
    ],
)
def test_a_move_from_a_price_that_takes_more_to_tell_has_no_one_threshold(condition: FromBase) -> None:
    assert threshold_of(Rule("r", condition, frozenset({"X"}))) is None


def test_what_arms_a_gate_again_is_a_session_where_it_measures_one() -> None:
    def again(measure: Day | Rsi, telling: Telling) -> str:
        rule = Rule("r", Gate(Comparison(measure, "up", 3.0)), frozenset({"X"}), telling=telling)
        found = threshold_of(rule)
        assert found is not None
        return found.again

    assert again(Rsi(), Telling()) == "back"
    assert again(Rsi(), Telling("once")) == "never"
    assert again(Rsi(), Telling("once a session")) == "session"
    assert again(Day(), Telling()) == "session"


def test_a_threshold_stands_on_an_instrument_with_what_arms_it_again() -> None:
    assert Threshold(Day(), "up", 3.0, "session").on("X") == Key("X", Day(), "session")
    assert Threshold(OffLow("52w"), "up", 3.0, "extreme").on("Y") == Key("Y", OffLow("52w"), "extreme")


@pytest.mark.parametrize("number", [0.0, 3.0, -3.0, 2e7, -2e7])
def test_a_range_is_widened_by_what_binary_fractions_may_have_lost(number: float) -> None:
    low, high = widened(number, number)
    most = 1e-8 + abs(number) * 1e-12
    assert number - low == pytest.approx(most, rel=0.2)
    assert high - number == pytest.approx(most, rel=0.2)


def _bits(number: int) -> float:
    return float(number % 97)


class Plain:
    """What a pile does, on a plain list."""

    def __init__(self, level: Callable[[int], float]) -> None:
        self.level = level
        self.numbers: list[int] = []

    def put(self, *numbers: int) -> None:
        self.numbers = sorted([*self.numbers, *numbers], key=lambda each: (self.level(each), each))


def same(pile: Pile, plain: Plain) -> None:
    assert list(pile) == plain.numbers
    assert len(pile) == len(plain.numbers)
    levels = [plain.level(each) for each in plain.numbers]
    assert (pile.bottom, pile.top) == ((levels[0], levels[-1]) if levels else (inf, -inf))


@pytest.mark.parametrize("level", [float, _bits, lambda number: -float(number // 1000)])
def test_a_pile_of_several_blocks_does_as_a_list_does(level: Callable[[int], float]) -> None:
    chance = random.Random(7)
    pile, plain = Pile(level), Plain(level)
    numbers = list(range(4000))
    chance.shuffle(numbers)
    for number in numbers[:2600]:
        pile.add(number)
    plain.put(*numbers[:2600])
    same(pile, plain)
    some = sorted(numbers[2600:], key=lambda each: (level(each), each))
    pile.extend(array("Q", some))
    plain.put(*some)
    same(pile, plain)
    for number in chance.sample(range(4200), 600):
        assert (number in pile) == (number < 4000)
    for bound in sorted({level(each) for each in chance.sample(range(4000), 12)} | {-1e9, 1e9}):
        for by in (bound - 0.5, bound, bound + 0.5):
            assert list(pile.below(by)) == [each for each in plain.numbers if level(each) <= by]
            above = [each for each in plain.numbers if level(each) - 1 > by]
            assert list(pile.above(by, lambda value: value - 1)) == above
    gone = chance.sample(range(4200), 2500)
    for number in gone:
        assert pile.discard(number) == (number < 4000)
    plain.numbers = sorted(set(plain.numbers).difference(gone), key=lambda each: (level(each), each))
    same(pile, plain)
    again = [number for number in gone[:900] if number < 4000]
    for number in again:
        pile.add(number)
    plain.put(*again)
    same(pile, plain)


def test_the_lowest_and_the_highest_are_taken_only_if_they_are_exactly_these() -> None:
    for many in (1, 3, 900, 1500, 2600):
        for size in (1, 2, many // 2 + 1, many):
            pile, plain = Pile(float), Plain(float)
            pile.extend(array("Q", range(many)))
            plain.put(*range(many))
            lowest, highest = array("Q", range(min(size, many))), array("Q", range(max(many - size, 0), many))
            assert not pile.take_bottom(array("Q", [*lowest, many + 5]))
            assert not pile.take_top(array("Q", [many + 5, *highest]))
            if many > 2:
                assert not pile.take_bottom(array("Q", [1]))
                assert not pile.take_top(array("Q", [many - 2]))
            same(pile, plain)
            assert pile.take_bottom(lowest)
            plain.numbers = plain.numbers[len(lowest) :]
            same(pile, plain)
            highest = array("Q", plain.numbers[-size:])
            assert pile.take_top(highest)
            plain.numbers = plain.numbers[: len(plain.numbers) - len(highest)]
            same(pile, plain)
            pile.add(many)
            plain.put(many)
            same(pile, plain)


def test_a_pile_that_was_emptied_holds_again_what_is_put_in() -> None:
    pile = Pile(float)
    assert not pile.discard(3)
    assert 3 not in pile
    assert not pile.take_bottom(array("Q", [3]))
    assert not pile.take_top(array("Q", [3]))
    pile.extend(array("Q"))
    assert (len(pile), pile.bottom, pile.top) == (0, inf, -inf)
    pile.add(3)
    assert pile.discard(3)
    assert (list(pile), pile.bottom, pile.top) == ([], inf, -inf)
    pile.extend(array("Q", (4, 5)))
    assert (list(pile), pile.bottom, pile.top) == ([4, 5], 4.0, 5.0)
    assert pile.take_top(array("Q", (4, 5)))
    pile.add(1)
    assert (list(pile), pile.bottom, pile.top) == ([1], 1.0, 1.0)


def test_a_pile_puts_in_what_lies_below_above_and_among_the_rest() -> None:
    pile, plain = Pile(float), Plain(float)
    for some in ((50, 60), (70, 80), (10, 20), (5, 55, 65, 90), (56, 57), (1, 91), (80_000,)):
        pile.extend(array("Q", some))
        plain.put(*some)
        same(pile, plain)


def test_a_pile_takes_eight_bytes_a_number_and_no_more_reserve_than_a_quarter() -> None:
    pile = Pile(float)
    empty = pile.bytes()
    assert 200 < empty < 400
    for number in range(20_000):
        pile.add(number)
    assert 8 * 20_000 < pile.bytes() < 12 * 20_000
    for number in range(20_000):
        if number % 8:
            pile.discard(number)
    assert 8 * 2_500 < pile.bytes() < 40 * 2_500
