"""What a ladder would have told over the bars of a series, as columns, by the one step of every ladder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from bot.market.bars import Calendar, Series
from bot.market.instrument import Market
from bot.market.measures import change_pct
from bot.market.quote import look_at_bar
from bot.market.sessions import settlement
from bot.rules.arrays import Days, Floats, arrays_of, extremes
from bot.rules.candidates import Ground, grounds, proposed, steps_of
from bot.rules.conditions import DayMove, FromBase, FromExtreme, Ladder, Rule
from bot.rules.crossing import Crossing, Rung, climbed, reaches
from bot.rules.evaluate import Ladders, looked
from bot.rules.footing import Footing, counted, day_move, from_base, from_extreme
from bot.rules.past import passed_in_history
from bot.rules.standing import last_footing

Proposer = Callable[[Ground], Days]


@dataclass(frozen=True, slots=True)
class Fires:
    """What a rule would have told of one instrument, oldest first, a row each.

    `rows` are the bars and `days` their sessions as ordinals. `steps` are the furthest steps reached, which
    are positive both ways; of a gate the thresholds of its first comparison, NaN where it has none. `values`
    are what was measured: of a ladder the change in per cent. `ups` says which go upwards.
    """

    rows: Days
    days: Days
    values: Floats
    steps: Floats
    ups: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rows)

    def only(self, kept: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Fires:
        """Return those of some rows, in their order."""
        return Fires(*(getattr(self, each.name)[kept] for each in fields(self)))


def ladder_fires(
    rule: Rule,
    ladder: Ladder,
    series: Series,
    calendar: Calendar,
    market: Market,
    first: date = date.min,
    propose: Proposer = proposed,
) -> Fires:
    """Return what a rule's ladder would have told from the session of `first` on.

    What came before it is known, not told: an episode that is named by its extreme has come as far as the
    bars before took it, and one that never ends as far as a rule that is made on that day finds it. The
    latter begins with the second bar: the first says where the price stands.
    """
    arrays = arrays_of(series)
    start = int(np.searchsorted(arrays.days, first.toordinal()))
    passed: Mapping[Rung, float] = {}
    endless = never_ends(rule, ladder)
    if endless:
        start = max(start, 1)
        passed = passed_before(rule, series, calendar, market, start)
    told = {rung.direction: abs(step) for rung, step in passed.items()}
    found: list[Fires] = []
    distances: list[Floats] = []
    for ground in grounds(rule, ladder, series, calendar, market):
        begun = ground.since(start) if endless else ground
        fires = _walked(ladder, begun, series, propose(begun), told.get(ground.direction, 0.0))
        found.append(fires)
        distances.append(np.abs(ground.furthest[fires.rows] - ground.base[fires.rows]))
    merged = found[0] if len(found) == 1 else _merged(found, distances)
    shown = merged.rows >= start
    if rule.telling.until is not None:
        shown &= merged.days <= rule.telling.until.toordinal()
    kept = merged.only(shown)
    return kept.only(slice(1)) if rule.telling.often == "once" else kept


def never_ends(rule: Rule, ladder: Ladder) -> bool:
    """Tell whether an episode has no end, so that it matters when the rule was made."""
    often = rule.telling.often
    return often == "once" or (often == "each episode" and isinstance(ladder, FromBase))


def passed_before(
    rule: Rule, series: Series, calendar: Calendar, market: str, start: int
) -> Mapping[Rung, float]:
    """Return how far history had come under a rule made before bar `start`, as a live one would find it."""
    if start >= len(series.bars):
        return {}
    footing = last_footing(rule, replace(series, bars=series.bars[: start + 1]), calendar, market)
    if footing is None:
        return {}
    return passed_in_history(rule, footing, replace(series, bars=series.bars[:start]))


def _walked(ladder: Ladder, ground: Ground, series: Series, rows: Days, passed: float) -> Fires:
    """Take the step of every ladder at each of `rows`, in order."""
    arrays, sign = arrays_of(series), ground.sign
    picked = [each[rows] for each in (ground.episode, ground.base, ground.furthest, arrays.close)]
    at, episodes, bases, prices, closes = (each.tolist() for each in (rows, *picked))
    bars: list[int] = []
    values: list[float] = []
    furthest: list[float] = []
    episode, told = 0, passed
    for row, of, base, price, close, steps in zip(
        at, episodes, bases, prices, closes, steps_of(ladder, series, at), strict=False
    ):
        if of != episode:
            episode, told = of, 0.0
        reached = climbed(base, steps, sign, price, told)
        if reached:
            told = steps[reached - 1]
            seen = close if reaches(close, base, sign * told) else price
            bars.append(row)
            values.append(change_pct(seen, base))
            furthest.append(told)
    found = np.array(bars, np.int64)
    ups = np.full(len(bars), sign > 0)
    return Fires(found, arrays.days[found], np.array(values), np.array(furthest), ups)


def _merged(found: list[Fires], distances: list[Floats]) -> Fires:
    """Return what both directions tell as one: of one bar the further first, as a look tells it."""
    joined = Fires(
        *(np.concatenate([getattr(fires, each.name) for fires in found]) for each in fields(Fires))
    )
    return joined.only(np.lexsort((-np.concatenate(distances), joined.rows)))


def ladder_crossings(
    rule: Rule, ladder: Ladder, series: Series, calendar: Calendar, market: Market, first: date = date.min
) -> Iterator[Crossing]:
    """Give all that there is to be said of what `ladder_fires` tells: its bars, looked at as a live one is.

    An episode that has a beginning is gone through from there, so that what was passed before is known.
    """
    endless = never_ends(rule, ladder)
    ladders = Ladders()
    if endless:
        start = max(series.count_before(first), 1)
        ladders.told.update(passed_before(rule, series, calendar, market, start))
    fires = ladder_fires(rule, ladder, series, calendar, market, first if endless else date.min)
    rows = list(dict.fromkeys(fires.rows.tolist()))
    for row, footing in zip(rows, _footings(rule, ladder, series, rows, calendar, market), strict=True):
        bar = series.bars[row]
        look = look_at_bar(series.symbol, bar, settlement(market, bar.session))
        for each in () if footing is None else looked(rule, footing, look, ladders.furthest):
            ladders.climb(each)
            if each.session >= first:
                yield each


def _footings(
    rule: Rule, ladder: Ladder, series: Series, rows: Iterable[int], calendar: Calendar, market: str
) -> Iterator[Footing | None]:
    """Give what the looks at some bars are compared with, as `footing.footings` has it for all."""
    match ladder:
        case DayMove():
            found = (day_move(ladder, series, row, calendar, market) for row in rows)
        case FromBase():
            found = (from_base(ladder, series, row) for row in rows)
        case FromExtreme():
            column = extremes(series, ladder.reference, ladder.window, ladder.side)
            found = (from_extreme(ladder, column.standing(row)) for row in rows)
        case _:
            assert_never(ladder)
    return (counted(rule, each, series.bars[row].session) for row, each in zip(rows, found, strict=True))
