"""What a back-test tells of gates is what looks at every bar tell, and no bar left out would change it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.market.bars import Series
from bot.market.quote import look_at_bar
from bot.market.sessions import settlement
from bot.rules.columns import Now
from bot.rules.conditions import Gate, Often, Rule, Telling
from bot.rules.gate_columns import FALSE, TRUE, UNKNOWN, Truths, may_change, stood_before
from bot.rules.gate_fires import gate_fires, gate_mets
from bot.rules.gates import Stand, by_session, judged, moved_on
from bot.rules.grammar import parse
from bot.rules.met import Met
from bot.rules.truth import Truth, Unknown
from tests.rules.recorded_scene import known_at, recorded, scene

GATES = (
    "rsi < 30",
    "golden cross",
    "ema 20 < price",
    "price < sma 50 for 3 looks",
    "volume > 1.03x",
    "3 down in a row",
    "off low < 5%",
    "drawdown > 30% and rsi < 40",
    "new low 52w",
    "day > 3% and (volume > 1x or gap > 2%)",
    "day < -2% and rsi < 45 at close",
    "not (rsi > 40 or change 5d > -2%)",
    "change since told > 10%",
    "above 100",
)
TRUTHS: dict[int, Truth] = {FALSE: False, UNKNOWN: Unknown("nobody knows"), TRUE: True}


def rule_of(line: str, often: Often = "each episode", until: date | None = None) -> Rule:
    return Rule("rule", parse(line), frozenset(recorded()), telling=Telling(often, until))


def gate_of(rule: Rule) -> Gate:
    assert isinstance(rule.condition, Gate)
    return rule.condition


def every(strict: Truths, loose: Truths) -> Iterable[int]:
    """Propose each bar."""
    return range(len(strict))


def looked_at(rule: Rule, symbol: str, first: date) -> list[Met]:
    """Look at every bar with what was known then, as a worker does that has the rule from `first` on."""
    whole, tree = scene(symbol), gate_of(rule).tree
    bars, market = whole.series.bars, whole.market
    own = by_session(rule)
    start = max(whole.series.count_before(first), 0 if own else 1)
    told: float | None = None
    stand = Stand()
    if not own:
        stand = Stand(stood_before(tree, scene(symbol, Series(symbol, bars[:start]))) or 0.0)
    found: list[Met] = []
    for row, bar in enumerate(bars[start:], start):
        settled = settlement(market, bar.session)
        now = Now(settled, bar.close, final=True, told=told)
        series = Series(symbol, bars[:row]).with_bar(bar)
        reading = scene(symbol, series, now, known_at(whole.instrument, bar.session))
        after = judged(rule, look_at_bar(symbol, bar, settled), reading, stand)
        stand = Stand() if own else after.stand
        if after.met is not None:
            found.append(after.met)
            told = None if own else bar.close
    return found


@pytest.mark.parametrize("line", GATES)
def test_every_recorded_instrument_is_told_of_alike(line: str) -> None:
    rule, count = rule_of(line), 0
    gate = gate_of(rule)
    for symbol in recorded():
        of = scene(symbol)
        for first in (date.min, date(2022, 1, 3)):
            live = looked_at(rule, symbol, first)
            assert list(gate_mets(rule, gate, of.series, partial(scene, symbol), of.market, first)) == live
            told = gate_fires(rule, gate, of.series, of, of.market, first)
            assert [of.series.bars[row].session for row in told.rows] == [each.session for each in live]
            assert [date.fromordinal(day) for day in told.days] == [each.session for each in live]
            others = gate_fires(rule, gate, of.series, of, of.market, first, propose=every)
            assert others.rows.tolist() == told.rows.tolist()
            count += len(live)
    assert count


@pytest.mark.parametrize(
    "line",
    [
        "rsi < 30",
        "price < sma 20 for 3 looks",
        "day > 3% and volume > 1x",
        "new low 52w",
        "change since told > 10%",
        "change since told > 5% and (new high 90d or change 3d > 5%)",
    ],
)
@pytest.mark.parametrize("often", ["once", "once a session", "each episode"])
@pytest.mark.parametrize("until", [None, date(2022, 3, 15)])
def test_a_gate_that_ends_is_told_of_as_a_live_look_tells_it(
    line: str, often: Often, until: date | None
) -> None:
    rule = rule_of(line, often, until)
    for symbol in ("HSTECH", "0700.HK", "BABA"):
        of = scene(symbol)
        for first in (date.min, date(2022, 1, 3)):
            found = gate_mets(rule, gate_of(rule), of.series, partial(scene, symbol), of.market, first)
            live = looked_at(rule, symbol, first)
            assert list(found) == live
            assert len(live) <= 1 or often != "once"
            assert until is None or all(each.session <= until for each in live)


def test_what_bars_do_not_know_arms_nothing_and_is_told_with_the_reason() -> None:
    of, rule = scene("HSTECH"), rule_of("change since told > 5% or news buyback")
    (only,) = gate_mets(rule, gate_of(rule), of.series, partial(scene, "HSTECH"), of.market)
    assert [(each.text, each.holds, each.unknown) for each in only.parts] == [
        ("change since told > 5%", True, ""),
        ("news buyback 24h", None, "bars do not tell of news"),
    ]


def test_looks_in_a_row_are_of_one_episode_and_of_a_rule_that_was_there() -> None:
    of = scene("HSTECH")

    def told(line: str, first: date = date.min) -> list[date]:
        rule = rule_of(line)
        found = gate_fires(rule, gate_of(rule), of.series, of, of.market, first)
        return [date.fromordinal(day) for day in found.days.tolist()]

    assert told("day > 1% and day < 90%")
    assert told("(day > 1% and day < 90%) for 2 looks") == []
    below = told("price < sma 50 for 3 looks")[-1]
    at = of.series.sessions.index(below)
    assert told("price < sma 50 for 3 looks", of.series.sessions[at - 1])[0] == of.series.sessions[at + 1]


judgements = some.lists(
    some.tuples(some.sampled_from(tuple(TRUTHS)), some.sampled_from(tuple(TRUTHS))), max_size=40
)


@given(judgements, some.sampled_from((0.0, -1.0, 1.0, 2.0)), some.booleans())
def test_no_bar_that_is_left_out_would_move_the_record_of_a_gate(
    rows: list[tuple[int, int]], record: float, anew: bool
) -> None:
    strict, loose = (np.array([each[at] for each in rows], np.int8) for at in (0, 1))
    candidates = set(np.flatnonzero(may_change(strict, loose, anew=anew)).tolist())
    assert stepped(rows, set(range(len(rows))), record, anew) == stepped(rows, candidates, record, anew)


def stepped(
    rows: list[tuple[int, int]], looked: set[int], record: float, anew: bool
) -> tuple[list[int], float | None]:
    told: list[int] = []
    for row, (strict, loose) in enumerate(rows):
        if row in looked:
            before = record if anew else 0.0
            record, tells = moved_on(before, TRUTHS[strict], TRUTHS[loose], anew=anew)
            told += [row] if tells else []
    return told, record if anew else None


def measured(line: str, symbol: str = "HSTECH") -> list[tuple[date, float, float, bool]]:
    rule, of = rule_of(line), scene(symbol)
    found = gate_fires(rule, gate_of(rule), of.series, of, of.market)
    columns = (found.days, found.values, found.steps, found.ups)
    rows = zip(*(each.tolist() for each in columns), strict=True)
    return [(date.fromordinal(day), value, step, up) for day, value, step, up in rows]


def test_of_a_gate_its_first_comparison_is_told() -> None:
    (first, *_) = measured("not rsi > 30 and streak < -2")
    assert first[2:] == (30, True)
    assert first[1] < 30
    (crossed,) = measured("death cross", "0700.HK")
    assert crossed[1] < crossed[2]
    assert crossed[3] is False


def test_of_a_price_the_one_that_touched_is_told() -> None:
    bars = {each.session: each for each in recorded()["HSTECH"].bars}
    told = measured("below 4000")
    assert told
    for day, value, step, up in told:
        assert (step, up) == (4000, False)
        assert value == (bars[day].close if bars[day].close <= 4000 else bars[day].low)
    assert {value == bars[day].close for day, value, _, _ in told} == {True, False}


@pytest.mark.parametrize("line,up", [("new high 90d", True), ("new low 90d", False)])
def test_of_a_new_extreme_only_its_side_is_told(line: str, up: bool) -> None:
    told = measured(line)
    assert told
    assert {each[3] for each in told} == {up}
    assert all(np.isnan(each[1:3]).all() for each in told)
