"""The measures of an instrument's own bars, each a function over whole columns.

Row i is worth what the final look at bar i says; live, the last row is worth what the look now says.
Percentages are in per cent and unrounded; a row that is not known is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.market.bars import Series
from bot.market.measures import streak
from bot.rules.arrays import Floats
from bot.rules.bar_columns import Rows, ahead, sums
from bot.rules.indicators import average, rsi
from bot.rules.measures import (
    Average,
    Change,
    ChangeSince,
    Day,
    Drawdown,
    FromCost,
    Gap,
    OffLow,
    Position,
    Price,
    Rsi,
    Sigmas,
    SinceTold,
    Streak,
    Volume,
)
from bot.rules.terms import NewExtreme

Held = NDArray[np.int8]

OwnMeasure = (
    Price
    | Day
    | Change
    | ChangeSince
    | SinceTold
    | FromCost
    | OffLow
    | Drawdown
    | Gap
    | Streak
    | Volume
    | Position
    | Sigmas
    | Rsi
    | Average
)

_A_DAY = timedelta(days=1)
# After a new extreme the same condition is loosely held for so many sessions more.
REMAINS_NEW = 20


def rows_needed(measure: OwnMeasure) -> int | None:
    """Return how many of the last rows give the last one the very number that all of them would.

    None where it takes all: what recursive indicators remember begins with the first close.
    """
    match measure:
        case Change(count, "sessions"):
            return count + 1
        case Volume(sessions):
            return sessions + 1
        case ChangeSince() | Rsi() | Average():
            return None
        case _:
            return 1


def own_column(measure: OwnMeasure, rows: Rows) -> Floats:
    """Return a measure's value at the close of each row's bar."""
    return _COLUMNS[type(measure)](measure, rows)


def new_extremes(atom: NewExtreme, rows: Rows) -> Held:
    """Tell of each row whether it went beyond its window: 1, 0, or -1 where the window holds no session.

    An intraday extreme is judged by the bar's range, one of closes by the close.
    """
    before, prices = (
        rows.extremes(atom.reference, atom.window, atom.side),
        rows.prices(atom.reference, atom.side),
    )
    new = prices < before if atom.side == "low" else prices > before
    return np.where(np.isnan(before), -1, new).astype(np.int8)


def lately(held: Held) -> Held:
    """Tell of each row whether it held there or in the 20 before it; else what nobody knows stays -1."""
    index = np.arange(len(held))
    last = np.maximum.accumulate(np.where(held == 1, index, -REMAINS_NEW - 1))
    return np.where(index - last <= REMAINS_NEW, np.int8(1), held)


def changes(prices: Floats, bases: Floats | float) -> Floats:
    """Return prices against what they are compared with, in per cent, as `measures.change_pct` does."""
    return (prices / bases - 1) * 100


def as_traded(rows: Rows, levels: Floats) -> Floats:
    """Return levels, NaN where they are of adjusted bars: those were not traded."""
    return np.where(rows.adjusted, np.nan, levels)


def _price(measure: Price, rows: Rows) -> Floats:
    del measure
    return as_traded(rows, rows.close)


def _from_cost(measure: FromCost, rows: Rows) -> Floats:
    return changes(as_traded(rows, rows.close), measure.cost)


def _day(measure: Day, rows: Rows) -> Floats:
    del measure
    return changes(rows.close, rows.references)


def _gap(measure: Gap, rows: Rows) -> Floats:
    del measure
    return changes(rows.open, rows.references)


def _off_low(measure: OffLow, rows: Rows) -> Floats:
    """Compare with the low of the window, or with the session's own where that is lower."""
    before = rows.extremes(measure.reference, measure.window, "low")
    return changes(rows.close, np.minimum(before, rows.prices(measure.reference, "low")))


def _drawdown(measure: Drawdown, rows: Rows) -> Floats:
    """Compare with the peak of the window, or with the session's own where that is higher."""
    before = rows.extremes(measure.reference, measure.window, "peak")
    return 0 - changes(rows.close, np.maximum(before, rows.prices(measure.reference, "peak")))


def _sigmas(measure: Sigmas, rows: Rows) -> Floats:
    deviations = rows.deviations(measure.sessions)
    moves = np.log(rows.close / rows.references)
    return moves / np.where(deviations > 0, deviations, np.nan)


def _streaks(measure: Streak, rows: Rows) -> Floats:
    """Count closes in a row on one side of the close before, falls as negative numbers.

    The last session counts only once its close is final. A run that may have begun before the first bar, at a
    time of which only extremes are known, is 0.
    """
    del measure
    if rows.count is not None:
        is_open = rows.now is not None and not rows.now.final
        last = len(rows.series.bars) - 1 - is_open
        return rows.last_alone(float(streak(rows.series, last, rows.market, rows.calendar)))
    if not len(rows):
        return np.empty(0)
    sides = np.nan_to_num(np.sign(changes(rows.close, rows.references)))
    index = np.arange(len(sides))
    turned = np.append(True, sides[1:] != sides[:-1])
    began = np.maximum.accumulate(np.where(turned, index, 0))
    counts: Floats = sides * (index - began + 1)
    if rows.series.before:
        counts[began == 1] = 0
    return counts


def _volumes(measure: Volume, rows: Rows) -> Floats:
    """Compare volumes with the average of the sessions before; live, with its share by this time of day."""
    traded = np.where(rows.volume > 0, rows.volume, np.nan)
    averages = sums(traded[:-1], measure.sessions) / measure.sessions
    found = ahead(rows, measure.sessions, rows.volume[measure.sessions :] / averages)
    if rows.now is not None and not rows.now.final:
        found[-1:] /= rows.now.volume_share or np.nan
    return found


def _positions(measure: Position, rows: Rows) -> Floats:
    low = np.minimum(rows.extremes("intraday", measure.window, "low"), rows.bottom)
    high = np.maximum(rows.extremes("intraday", measure.window, "peak"), rows.top)
    width = high - low
    return (rows.close - low) / np.where(width > 0, width, np.nan) * 100


def _change(measure: Change, rows: Rows) -> Floats:
    """Compare closes with those some sessions before; not where a session in between may be missing."""
    if measure.span != "sessions":
        # Daily bars do not tell minutes; a live look has its trail.
        return np.full(len(rows), np.nan)
    found = changes(rows.close[measure.count :], rows.close[: -measure.count])
    lost = np.searchsorted(rows.lost(), rows.days)
    found[lost[measure.count :] != lost[: -measure.count]] = np.nan
    return ahead(rows, measure.count, found)


def base_of(series: Series, measure: ChangeSince) -> int | None:
    """Return the index of the bar from whose close a change is measured; None where none is held."""
    at = series.index_of(measure.start)
    found = series.count_before(measure.start) - 1 if at is None else at
    return found if found >= 0 else None


def lost_before(rows: Rows, measure: ChangeSince, base: int) -> tuple[date, ...]:
    """Return the sessions up to the start whose close may be another than the base's: none is held."""
    after = rows.series.bars[base].session
    passed = rows.calendar.missing(rows.market, after, measure.start + _A_DAY)
    return tuple(each for each in passed if each not in rows.series.untraded)


def _since(measure: ChangeSince, rows: Rows) -> Floats:
    base = base_of(rows.series, measure)
    if base is None or lost_before(rows, measure, base):
        return np.full(len(rows), np.nan)
    found = changes(rows.close, float(rows.close[base]))
    found[rows.days <= measure.start.toordinal()] = np.nan
    return found


def _since_told(measure: SinceTold, rows: Rows) -> Floats:
    """Compare with the price last told; a rule that never told compares with the close before."""
    del measure
    found = changes(rows.close, rows.references)
    if rows.now is not None and rows.now.told is not None:
        found[-1:] = changes(rows.close[-1:], rows.now.told)
    return found


def _rsi(measure: Rsi, rows: Rows) -> Floats:
    return rsi(rows.close, measure.sessions)


def _average(measure: Average, rows: Rows) -> Floats:
    """Average closes, but not where one of the last `sessions` was not traded."""
    levels = average(rows.close, measure.kind, measure.sessions)
    adjusted = rows.adjusted
    if not adjusted.any():
        return levels
    index = np.arange(len(rows))
    last = np.maximum.accumulate(np.where(adjusted, index, -measure.sessions))
    return np.where(index - last < measure.sessions, np.nan, levels)


_COLUMNS: Mapping[type, Callable[[Any, Rows], Floats]] = MappingProxyType(
    {
        Price: _price,
        FromCost: _from_cost,
        Day: _day,
        Gap: _gap,
        OffLow: _off_low,
        Drawdown: _drawdown,
        Sigmas: _sigmas,
        Streak: _streaks,
        Volume: _volumes,
        Position: _positions,
        Change: _change,
        ChangeSince: _since,
        SinceTold: _since_told,
        Rsi: _rsi,
        Average: _average,
    }
)
