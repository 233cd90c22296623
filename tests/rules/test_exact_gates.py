"""Gates over columns against the same gates look by look, and their promises figure by figure."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest

from bot.market.bars import Bar, Series
from bot.market.quote import Look, look_at_bar
from bot.market.sessions import settlement
from bot.rules.conditions import Gate, Often, Rule, Telling
from bot.rules.gate_columns import (
    FALSE,
    TRUE,
    UNKNOWN,
    Counting,
    Floats,
    Truths,
    judged_columns,
    may_change,
    stood_before,
)
from bot.rules.gate_fires import gate_fires, gate_mets
from bot.rules.gates import (
    Judged,
    Stand,
    by_session,
    judged,
    lastings,
    moved_on,
    remembers,
    rung_of,
    waits_for_the_close,
)
from bot.rules.measures import Average, Day, Direction, Measure, Price, Rsi, SinceTold, Streak
from bot.rules.met import Met, Part
from bot.rules.terms import AtClose, Both, Comparison, Either, Lasting, NewExtreme, Not, Story, Tree
from bot.rules.truth import Truth, Unknown, Value

START = date(2022, 1, 3)
RSI, STREAK, SMA, DAY = Rsi(), Streak(), Average("sma", 5), Day()
NEW, STORY = NewExtreme("low", "52w"), Story("buyback", 24)
MEASURES: tuple[Measure, ...] = (RSI, STREAK, DAY)
NOBODY = "nobody knows"


def day(number: int) -> date:
    return START + timedelta(days=number)


@dataclass(frozen=True)
class Made:
    """Made-up columns, and what the last row of them says."""

    series: Series
    columns: Mapping[Measure, Floats]
    atoms: Mapping[tuple[NewExtreme | Story, bool], Truths]

    def column(self, measure: Measure) -> Floats:
        return self.columns[measure]

    def held_column(self, atom: NewExtreme | Story, *, loose: bool) -> Truths:
        return self.atoms[atom, loose]

    def touch_column(self, *, up: bool) -> Floats:
        return np.array([bar.top if up else bar.bottom for bar in self.series.bars])

    def value(self, measure: Measure) -> Value:
        found = float(self.columns[measure][-1])
        return Unknown(NOBODY) if math.isnan(found) else found

    def holds(self, atom: NewExtreme | Story, *, loose: bool) -> Truth:
        found = int(self.atoms[atom, loose][-1])
        return Unknown(NOBODY) if found < 0 else bool(found)

    def until(self, count: int) -> Made:
        """Return what was there when so many bars had settled."""
        return Made(
            Series("X", self.series.bars[:count]),
            {measure: column[:count] for measure, column in self.columns.items()},
            {atom: column[:count] for atom, column in self.atoms.items()},
        )


def made_up(chance: random.Random, count: int = 24) -> Made:
    def column(values: tuple[float, ...]) -> Floats:
        return np.array([chance.choice(values) for _ in range(count)])

    closes = [chance.choice((9.0, 9.8, 9.9, 10.0, 10.1, 11.0)) for _ in range(count)]
    bars = (
        Bar(day(number), close, close, close + chance.choice((0, 1)), close - chance.choice((0, 1)))
        for number, close in enumerate(closes)
    )
    strict = {atom: np.array([chance.choice((-1, 0, 0, 1)) for _ in range(count)]) for atom in (NEW, STORY)}
    loose = {
        atom: np.where((held == 0) & (np.arange(count) % 3 == 0), 1, held) for atom, held in strict.items()
    }
    return Made(
        Series("X", tuple(bars)),
        {
            RSI: column((25.0, 29.0, 30.0, 31.0, 32.5, 50.0, math.nan)),
            STREAK: column((2.0, 3.0, 4.0, math.nan)),
            DAY: column((1.0, 2.0, 1.6, -1.0, math.nan)),
            SMA: column((9.0, 10.0, 11.0, math.nan)),
            Price(): np.array(closes),
        },
        {
            **{(atom, False): held.astype(np.int8) for atom, held in strict.items()},
            **{(atom, True): held.astype(np.int8) for atom, held in loose.items()},
        },
    )


def tree_of(chance: random.Random, depth: int, session: bool) -> Tree:  # noqa: PLR0911 - one of each kind
    if depth == 0 or chance.random() < 0.25:
        direction: Direction = chance.choice(("up", "down"))
        match chance.randrange(6 if session else 5):
            case 0:
                return Comparison(STREAK, direction, 3.0)
            case 1:
                return chance.choice((NEW, STORY))
            case 2:
                return Comparison(Price(), direction, SMA)
            case 5:
                return Comparison(DAY, direction, 2.0)
            case _:
                return Comparison(RSI, direction, 30.0)
    match chance.randrange(6):
        case 0 | 1:
            return Both((tree_of(chance, depth - 1, session), tree_of(chance, depth - 1, session)))
        case 2:
            return Either((tree_of(chance, depth - 1, session), tree_of(chance, depth - 1, session)))
        case 3:
            return Not(tree_of(chance, depth - 1, session))
        case 4:
            return Lasting(tree_of(chance, depth - 1, session), chance.choice((2, 3)))
        case _:
            return AtClose(tree_of(chance, depth - 1, session))


def rule_of(tree: Tree, often: Often = "each episode", until: date | None = None) -> Rule:
    return Rule("rule", Gate(tree), frozenset({"X"}), telling=Telling(often, until))


def look_of(made: Made, row: int) -> Look:
    bar = made.series.bars[row]
    return look_at_bar("X", bar, settlement("HK", bar.session))


def looked_at(rule: Rule, made: Made, first: int) -> list[tuple[int, Met]]:
    """Look at every bar as a worker does that has the rule from bar `first` on."""
    own, stand = by_session(rule), Stand()
    start = first if own else max(first, 1)
    before = replace(rule, telling=Telling("once"))
    for row in range(0 if own else start):
        stand = judged(before, look_of(made, row), made.until(row + 1), stand).stand
        # It tells nobody of what held already.
        stand = replace(stand, record=-1.0 if stand.record % 2 else 0.0)
    stand = Stand(stand.record)
    found = []
    for row in range(start, len(made.series.bars)):
        stand = Stand() if own and rule.telling.often != "once" else stand
        after = judged(rule, look_of(made, row), made.until(row + 1), stand)
        stand = after.stand
        if after.met is not None:
            found.append((row, after.met))
    return found


def told_in_full(rule: Rule, made: Made, first: int) -> list[Met]:
    """Return all that a back-test says of what a gate tells from bar `first` on."""
    assert isinstance(rule.condition, Gate)

    def scene_of(held: Series) -> Made:
        return made.until(len(held.bars))

    return list(gate_mets(rule, rule.condition, made.series, scene_of, "HK", day(first)))


@pytest.mark.parametrize("often", ["each episode", "once", "once a session"])
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_a_gate_over_columns_tells_what_the_same_gate_does_look_by_look(depth: int, often: Often) -> None:
    chance, told = random.Random(f"{depth} {often}"), 0
    for count in range(100):
        made = made_up(chance)
        tree = tree_of(chance, depth, session=count % 2 == 1)
        rule = rule_of(tree, often, day(15) if count % 5 == 0 else None)
        first = (0, 1, 7)[count % 3]
        wanted = looked_at(rule, made, first)
        fires = gate_fires(rule, Gate(tree), made.series, made, "HK", day(first))
        assert fires.rows.tolist() == [row for row, _ in wanted], str(tree)
        assert fires.days.tolist() == [day(row).toordinal() for row, _ in wanted]
        mets = told_in_full(rule, made, first)
        assert [(each.session, each.parts, each.condition) for each in mets] == [
            (each.session, each.parts, str(tree)) for _, each in wanted
        ]
        own = by_session(rule)
        assert [(each.before, each.step) for each in mets] == [
            (0.0, 1.0) if own else (2.0 * at, 2.0 * at + 1) for at in range(len(wanted))
        ]
        told += len(wanted)
    assert told > 60


def test_a_gate_that_tells_while_a_part_has_not_lasted_is_told_in_full() -> None:
    made = columns(rsi=[50.0, 50.0, 29.0, 29.0, 29.0, 50.0, 29.0])
    rule = rule_of(Not(Lasting(LOW_RSI, 2)), "once a session")
    assert [each.session for each in told_in_full(rule, made, 0)] == [day(number) for number in range(7)]
    made = columns(rsi=[40.0, 40.0, 29.0, 29.0, 29.0, 60.0, 29.0])
    rule = rule_of(Either((Lasting(LOW_RSI, 3), Comparison(RSI, "up", 60.0))))
    assert [each.session for each in told_in_full(rule, made, 3)] == [day(5)]
    assert [each.session for each in told_in_full(rule, made, 2)] == [day(4)]


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_level_over_columns_is_touched_as_it_is_look_by_look(direction: Direction) -> None:
    chance, told = random.Random(direction), 0
    tree = Comparison(Price(), direction, 10.0)
    rule = rule_of(tree)
    for _ in range(40):
        made = made_up(chance)
        wanted = looked_at(rule, made, 0)
        fires = gate_fires(rule, Gate(tree), made.series, made, "HK")
        assert fires.rows.tolist() == [row for row, _ in wanted]
        assert fires.values.tolist() == [met.price for _, met in wanted]
        assert fires.steps.tolist() == [10.0] * len(wanted)
        assert fires.ups.tolist() == [direction == "up"] * len(wanted)
        told += len(wanted)
    assert told > 20


def columns(**values: list[float]) -> Made:
    length = len(next(iter(values.values())))
    named: dict[str, Measure] = {"rsi": RSI, "streak": STREAK, "price": Price(), "sma": SMA}
    bars = tuple(Bar(day(number), 10.0, 10.0, 11.0, 9.0) for number in range(length))
    return Made(Series("X", bars), {named[name]: np.array(column) for name, column in values.items()}, {})


NAN = math.nan
LOW_RSI = Comparison(RSI, "down", 30.0)


def test_columns_are_judged_as_written_and_loosened() -> None:
    made = columns(
        rsi=[29.0, 30.0, 30.0000001, 31.9, 32.0, 32.1, NAN], streak=[3.0, 2.0, NAN, 4, 1, NAN, NAN]
    )
    strict, loose = judged_columns(LOW_RSI, made)
    assert strict.tolist() == [TRUE, TRUE, FALSE, FALSE, FALSE, FALSE, UNKNOWN]
    assert loose.tolist() == [TRUE, TRUE, TRUE, TRUE, TRUE, FALSE, UNKNOWN]
    # What is denied is tightened where it is loosened: not over 28 any more.
    strict, loose = judged_columns(Not(LOW_RSI), columns(rsi=[27.0, 28.0, 28.1, 29.0, 30.0, 31.0]))
    assert strict.tolist() == [FALSE, FALSE, FALSE, FALSE, FALSE, TRUE]
    assert loose.tolist() == [FALSE, FALSE, TRUE, TRUE, TRUE, TRUE]
    strict, loose = judged_columns(Not(Not(LOW_RSI)), made)
    assert strict.tolist() == judged_columns(LOW_RSI, made)[0].tolist()
    assert loose.tolist() == judged_columns(LOW_RSI, made)[1].tolist()
    both, either = (
        Both((LOW_RSI, Comparison(STREAK, "up", 3.0))),
        Either((LOW_RSI, Comparison(STREAK, "up", 3.0))),
    )
    assert judged_columns(both, made)[0].tolist() == [TRUE, FALSE, FALSE, FALSE, FALSE, FALSE, UNKNOWN]
    assert judged_columns(either, made)[0].tolist() == [TRUE, TRUE, UNKNOWN, TRUE, FALSE, UNKNOWN, UNKNOWN]
    assert {each.dtype for each in judged_columns(Not(both), made)} == {np.dtype(np.int8)}


def test_looks_in_a_row_are_counted_from_a_bar_on_or_not_at_all() -> None:
    made = columns(rsi=[29.0, 29.0, NAN, 29.0, 50.0, 29.0, 29.0, 29.0])
    for inner in (LOW_RSI, AtClose(LOW_RSI), Both((LOW_RSI, LOW_RSI)), Either((LOW_RSI, LOW_RSI))):
        lasting: Tree = Lasting(inner, 2)
        for tree in (lasting, AtClose(lasting), Both((lasting, lasting)), Either((lasting, lasting))):
            strict, loose = judged_columns(tree, made)
            assert strict.tolist() == [FALSE, TRUE, UNKNOWN, TRUE, FALSE, FALSE, TRUE, TRUE]
            assert loose.tolist() == [TRUE, TRUE, UNKNOWN, TRUE, FALSE, TRUE, TRUE, TRUE]
            late, _ = judged_columns(tree, made, Counting(3))
            assert late.tolist() == [FALSE, TRUE, UNKNOWN, FALSE, FALSE, FALSE, TRUE, TRUE]
            alone, _ = judged_columns(tree, made, Counting(alone=True))
            assert alone.tolist() == [FALSE, FALSE, UNKNOWN, FALSE, FALSE, FALSE, FALSE, FALSE]
        denied, _ = judged_columns(Not(lasting), made, Counting(alone=True))
        assert denied.tolist() == [TRUE, TRUE, UNKNOWN, TRUE, TRUE, TRUE, TRUE, TRUE]


def test_a_bar_may_change_what_is_told_where_it_is_judged_otherwise_than_the_one_before() -> None:
    strict = np.array([TRUE, TRUE, FALSE, FALSE, UNKNOWN, TRUE, TRUE, TRUE], np.int8)
    loose = np.array([TRUE, TRUE, TRUE, FALSE, UNKNOWN, FALSE, FALSE, TRUE], np.int8)
    assert may_change(strict, loose, anew=True).tolist() == [
        True, False, False, True, False, True, True, True
    ]  # fmt: skip
    assert may_change(strict, loose, anew=False).tolist() == [
        True, True, False, False, False, True, True, True
    ]  # fmt: skip
    assert may_change(strict[2:4], loose[2:4], anew=True).tolist() == [False, True]


@pytest.mark.parametrize(
    "values,stood",
    [
        ([], None),
        ([50.0], 0.0),
        ([29.0], -1.0),
        ([29.0, 31.0], -1.0),
        ([29.0, 50.0], 0.0),
        ([29.0, 50.0, 29.0], -1.0),
        ([29.0, 50.0, NAN], None),
        ([29.0, NAN], -1.0),
        ([NAN], None),
        ([NAN, 50.0], 0.0),
        ([29.0, 29.0, 50.0, 50.0, 29.0, 29.0, 31.0, 50.0], 0.0),
    ],
)
def test_how_a_gate_stood_that_told_nobody(values: list[float], stood: float | None) -> None:
    assert stood_before(LOW_RSI, columns(rsi=values)) == stood


@pytest.mark.parametrize(
    "record,strict,loose,anew,wanted",
    [
        (0.0, True, True, True, (1.0, True)),
        (0.0, True, False, True, (2.0, True)),
        (0.0, True, False, False, (1.0, True)),
        (0.0, False, False, True, (0.0, False)),
        (1.0, True, True, True, (1.0, False)),
        (1.0, False, True, True, (1.0, False)),
        (1.0, False, False, True, (2.0, False)),
        (1.0, False, False, False, (1.0, False)),
        (1.0, False, Unknown("x"), True, (1.0, False)),
        (0.0, Unknown("x"), Unknown("x"), True, (0.0, False)),
        (-1.0, True, True, True, (-1.0, False)),
        (-1.0, False, False, True, (0.0, False)),
        (2.0, True, True, True, (3.0, True)),
    ],
)
def test_a_record_moves_on_by_one_when_a_gate_tells_and_by_one_when_it_is_armed(
    record: float, strict: Truth, loose: Truth, anew: bool, wanted: tuple[float, bool]
) -> None:
    assert moved_on(record, strict, loose, anew=anew) == wanted


@dataclass(frozen=True, slots=True)
class Said:
    """What one look says."""

    values: Mapping[Measure, Value]

    def value(self, measure: Measure) -> Value:
        return self.values.get(measure, Unknown(NOBODY))

    def holds(self, atom: NewExtreme | Story, *, loose: bool) -> Truth:
        return loose if atom == NEW else Unknown(f"no {atom.topic if isinstance(atom, Story) else ''}")


def look(price: float = 10.0, high: float = 10.0, low: float = 10.0, *, final: bool = False) -> Look:
    return Look("X", START, settlement("HK", START), price, high, low, final)


def judge(
    tree: Tree, said: Mapping[Measure, Value], stand: Stand | None = None, *, final: bool = False
) -> Judged:
    return judged(rule_of(tree), look(final=final), Said(said), stand or Stand())


def test_a_part_is_told_with_what_was_measured_or_why_it_is_not_known() -> None:
    tree = Either(
        (
            Comparison(RSI, "up", 30.0),
            Comparison(STREAK, "up", 3.0),
            Comparison(Price(), "up", SMA),
            Comparison(Price(), "down", Average("ema", 9)),
            NEW,
            STORY,
        )
    )
    met = judge(tree, {RSI: 29.0, STREAK: 4.0, Price(): 10.0, SMA: 10.5}).met
    assert met is not None
    assert met.parts == (
        Part("rsi 14 > 30", 29.0, False),
        Part("streak > 3", 4.0, True),
        Part("price > sma 5", 10.0, False, "", 10.5),
        Part("price < ema 9", 10.0, None, NOBODY),
        Part("new low 52w", None, False),
        Part("news buyback 24h", None, None, "no buyback"),
    )
    assert (met.symbol, met.episode, met.before, met.step, met.seen_by) == ("X", "gate", 0.0, 1.0, "quote")


def test_before_the_close_nobody_knows_what_holds_at_the_close() -> None:
    tree = AtClose(LOW_RSI)
    assert judge(tree, {RSI: 20.0}).met is None
    assert judge(tree, {RSI: 20.0}).stand == Stand()
    assert judge(tree, {RSI: 20.0}, final=True).met is not None
    either = Either((tree, Comparison(STREAK, "up", 3.0)))
    assert judge(either, {RSI: 50.0, STREAK: 1.0}, Stand(1.0)).stand.record == 1.0
    assert judge(either, {RSI: 50.0, STREAK: 1.0}, Stand(1.0), final=True).stand.record == 2.0


def test_the_last_price_is_named_where_it_reaches_a_level_itself() -> None:
    rule = rule_of(Comparison(Price(), "up", 10.0))
    near = judged(rule, look(9.95, 10.2), Said({Price(): 9.95}), Stand()).met
    assert near is not None
    # Within the slack of the level, and not at it: its high touched.
    assert (near.price, near.last, near.seen_by) == (10.2, 9.95, "range")
    at = judged(rule, look(10.0, 10.2), Said({Price(): 10.0}), Stand()).met
    assert at is not None
    assert (at.price, at.seen_by) == (10.0, "quote")


def test_what_moved_since_it_was_told_has_not_moved_at_the_look_that_tells() -> None:
    up = Comparison(SinceTold(), "up", 3.0)
    told = judge(up, {SinceTold(): 4.0})
    assert told.met is not None
    assert told.stand.record == 2.0
    assert judge(up, {SinceTold(): 2.7}).stand.record == 0.0
    # Armed by the look that told: so the next that is 3% away tells.
    assert judge(up, {SinceTold(): 3.0}, told.stand).met is not None
    with_rsi = Both((up, LOW_RSI))
    assert remembers(with_rsi)
    assert not remembers(LOW_RSI)
    assert judge(with_rsi, {SinceTold(): 4.0, RSI: 20.0}).stand.record == 2.0
    either = Either((up, LOW_RSI))
    kept = judge(either, {SinceTold(): 4.0, RSI: 20.0})
    assert (kept.stand.record, kept.met is not None) == (1.0, True)
    assert judge(either, {SinceTold(): 4.0, RSI: 31.0}).stand.record == 1.0
    assert judge(either, {SinceTold(): 4.0, RSI: 33.0}).stand.record == 2.0
    # One that was told before and tells nothing now is armed by what it measures, not by nothing at all.
    assert judge(up, {SinceTold(): 4.0}, Stand(1.0)).stand.record == 1.0
    assert judge(up, {SinceTold(): 2.4}, Stand(1.0)).stand.record == 2.0
    assert judge(Either((up, NEW)), {SinceTold(): 4.0}).stand.record == 1.0


def test_the_record_of_a_gate_is_kept_by_its_session_or_for_good() -> None:
    assert rung_of(rule_of(LOW_RSI), "X", START).episode == "gate"
    assert rung_of(rule_of(Comparison(DAY, "up", 3.0)), "Y", START).episode == "2022-01-03"
    assert rung_of(rule_of(LOW_RSI, "once a session"), "X", START).episode == "2022-01-03"
    assert rung_of(rule_of(Comparison(DAY, "up", 3.0), "once"), "X", START).episode == "gate"
    rung = rung_of(rule_of(LOW_RSI), "X", START)
    assert (rung.symbol, rung.direction, rung.revision) == ("X", "up", rule_of(LOW_RSI).revision)


def test_a_gate_waits_for_the_close_where_any_part_does() -> None:
    closing = AtClose(LOW_RSI)
    trees: tuple[Tree, ...] = (closing, Not(closing), Lasting(closing, 2), Both((LOW_RSI, closing)))
    assert all(waits_for_the_close(rule_of(tree)) for tree in (*trees, Either((closing, LOW_RSI))))
    assert not any(
        waits_for_the_close(rule_of(tree)) for tree in (LOW_RSI, NEW, Both((LOW_RSI, NEW)), Not(NEW))
    )
    assert list(lastings(Both((Lasting(Lasting(LOW_RSI, 2), 3), Not(AtClose(Lasting(NEW, 4))))))) == [
        Lasting(LOW_RSI, 2),
        Lasting(Lasting(LOW_RSI, 2), 3),
        Lasting(NEW, 4),
    ]
