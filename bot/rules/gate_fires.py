"""What a gate would have told over the bars of a series: judged over whole columns, told by the one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bot.market.bars import Series
from bot.market.instrument import Market
from bot.market.measures import change_pct
from bot.market.quote import look_at_bar
from bot.market.sessions import settlement
from bot.rules.arrays import Floats, arrays_of
from bot.rules.conditions import Gate, Rule
from bot.rules.fires import Fires
from bot.rules.gate_columns import (
    Columns,
    Counting,
    Scene,
    Truths,
    judged_columns,
    may_change,
    moved_at,
    runs_of,
    stood_after,
)
from bot.rules.gates import (
    Reading,
    Stand,
    by_session,
    is_of_price,
    judged,
    leaves_of,
    limit_of,
    remembers,
)
from bot.rules.measures import Measure, SinceTold
from bot.rules.met import Met
from bot.rules.terms import Comparison, NewExtreme, Story, Tree
from bot.rules.truth import Truth, Unknown, Value

Proposer = Callable[[Truths, Truths], Iterable[int]]

_NOBODY_KNOWS = Unknown("nobody knows")
_HELD: Mapping[int, Truth] = MappingProxyType({0: False, 1: True})


def gate_fires(
    rule: Rule,
    gate: Gate,
    series: Series,
    columns: Columns,
    market: Market,
    first: date = date.min,
    propose: Proposer | None = None,
) -> Fires:
    """Return what a rule's gate would have told from the session of `first` on.

    Where a session is no episode of its own, it begins as a rule that is made on that day does: silent while
    it holds already. Then it begins with the second bar, for the first says how it stands.
    """
    arrays, anew = arrays_of(series), not by_session(rule)
    start, counting = _begun(rule, series, first)
    judgement = _Judgement(*judged_columns(gate.tree, columns, counting), anew, propose)
    record = judgement.before(start) if anew else 0.0
    if anew and remembers(gate.tree):
        rows = _one_by_one(rule, series, columns, market, start, record)
    else:
        rows = judgement.told(start, record)
    found = np.array(rows, np.int64)
    if rule.telling.until is not None:
        found = found[arrays.days[found] <= rule.telling.until.toordinal()]
    if rule.telling.often == "once":
        found = found[:1]
    values, steps, ups = _measured(gate.tree, rule, columns, len(arrays))
    return Fires(found, arrays.days[found], values[found], steps[found], ups[found])


def _begun(rule: Rule, series: Series, first: date) -> tuple[int, Counting]:
    """Return the bar that a rule's looks begin with, and how they are counted.

    A rule has made no looks before there is one, and in a session of its own a bar makes one alone.
    """
    alone = by_session(rule)
    start = max(int(np.searchsorted(arrays_of(series).days, first.toordinal())), 0 if alone else 1)
    return start, Counting(start, alone=alone)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """How a gate is judged at each bar; `propose` picks those that may move its record."""

    strict: Truths
    loose: Truths
    anew: bool
    propose: Proposer | None

    def before(self, start: int) -> float:
        """Return the record of a rule that is made before bar `start`: -1 where it holds already."""
        return stood_after(self._candidates(0, start), self.strict, self.loose)

    def told(self, start: int, record: float) -> list[int]:
        """Return the bars from `start` on that tell."""
        found = []
        for row in self._candidates(start, len(self.strict)):
            before = record if self.anew else 0.0
            record, tells = moved_at(row, before, self.strict, self.loose, anew=self.anew)
            if tells:
                found.append(row)
        return found

    def _candidates(self, start: int, end: int) -> Iterator[int]:
        strict, loose = self.strict[start:end], self.loose[start:end]
        proposed = (
            np.flatnonzero(may_change(strict, loose, anew=self.anew)).tolist()
            if self.propose is None
            else self.propose(strict, loose)
        )
        return (start + row for row in proposed)


def _one_by_one(
    rule: Rule, series: Series, columns: Columns, market: Market, start: int, record: float
) -> list[int]:
    """Look at every bar from `start` on, where what a look says depends on what was told before."""
    reading, stand, found = _Reading(columns), Stand(record), []
    for row, bar in enumerate(series.bars[start:], start):
        reading.row, reading.price = row, bar.close
        result = judged(
            rule, look_at_bar(series.symbol, bar, settlement(market, bar.session)), reading, stand
        )
        stand = result.stand
        if result.met is not None:
            reading.told = bar.close
            found.append(row)
    return found


@dataclass(slots=True)
class _Reading:
    """One bar of columns, beside the price at which the rule last told.

    `then` is the bar's own reading, which says why something is not known.
    """

    columns: Columns
    row: int = 0
    price: float = 0.0
    told: float | None = None
    then: Reading | None = None

    def value(self, measure: Measure) -> Value:
        """Return what the bar says of a measure."""
        if isinstance(measure, SinceTold) and self.told is not None:
            return change_pct(self.price, self.told)
        found = float(self.columns.column(measure)[self.row])
        if not np.isnan(found):
            return found
        return _NOBODY_KNOWS if self.then is None else self.then.value(measure)

    def holds(self, atom: NewExtreme | Story, *, loose: bool) -> Truth:
        """Return what the bar says of what merely holds or does not."""
        found = _HELD.get(int(self.columns.held_column(atom, loose=loose)[self.row]))
        if found is not None:
            return found
        return _NOBODY_KNOWS if self.then is None else self.then.holds(atom, loose=loose)


def _measured(
    tree: Tree, rule: Rule, columns: Columns, rows: int
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return what the first comparison of a gate measured of each bar, its thresholds, and its direction."""
    unknown = np.full(rows, np.nan)
    first = next((each for each in leaves_of(rule) if isinstance(each, Comparison)), None)
    if first is None:
        up = any(isinstance(each, NewExtreme) and each.side == "peak" for each in leaves_of(rule))
        return unknown, unknown, np.full(rows, up)
    values, threshold = columns.column(first.measure), first.threshold
    up = first.direction == "up"
    if isinstance(threshold, float) and is_of_price(tree):
        # The price that touched: the last one, where that did.
        limit = limit_of(first, threshold, 0)
        closed = values >= limit if up else values <= limit
        values = np.where(closed, values, columns.touch_column(up=up))
    steps = np.full(rows, threshold) if isinstance(threshold, float) else columns.column(threshold)
    return values, steps, np.full(rows, up)


def gate_mets(
    rule: Rule,
    gate: Gate,
    series: Series,
    scene_of: Callable[[Series], Scene],
    market: Market,
    first: date = date.min,
) -> Iterator[Met]:
    """Give all that there is to be said of what `gate_fires` tells: its bars, judged as a live look is."""
    columns = scene_of(series)
    fires = gate_fires(rule, gate, series, columns, market, first)
    reading, runs = _Reading(columns), runs_of(gate.tree, columns, _begun(rule, series, first)[1])
    for number, row in enumerate(fires.rows.tolist()):
        bar = series.bars[row]
        look = look_at_bar(series.symbol, bar, settlement(market, bar.session))
        reading.row, reading.price, reading.then = row, bar.close, scene_of(series.until(bar.session))
        # Armed, and with the looks in a row counted already, this one among them.
        counted = tuple(int(each[row]) for each in runs)
        stand = Stand(0.0 if by_session(rule) else 2.0 * number, counted, look.time)
        met = judged(rule, look, reading, stand).met
        yield from () if met is None else (met,)
        if not by_session(rule):
            reading.told = bar.close
