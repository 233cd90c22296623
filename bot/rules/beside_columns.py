"""Measures that need the bars of others: moves against an index, breadth, ratios and spreads.

Two instruments are compared by the date of their sessions. A settled row knows only what had settled when its
own bar did: in Hong Kong nobody knows yet how New York closes on the same date. A live look is shown the
prices that there are.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import assert_never

import numpy as np

from bot.market.instrument import Market
from bot.market.sessions import settlement
from bot.rules.arrays import Days, Floats
from bot.rules.bar_columns import Mask, Rows
from bot.rules.crossing import reaches
from bot.rules.measures import Against, Breadth, Ratio, Spread
from bot.rules.own_columns import as_traded, changes
from bot.rules.scene import Setting

BesideMeasure = Against | Breadth | Ratio | Spread

# Some thousand times the error of three operations on binary fractions.
_DOUBTFUL = 1e-12


def beside_column(measure: BesideMeasure, setting: Setting, rows: Rows) -> Floats:
    """Return a measure's value at the close of each row's bar, NaN where the others' is not known."""
    match measure:
        case Breadth():
            return _breadth(measure, setting, rows)
        case Against(symbol):
            other = _settled_rows(symbol, setting, rows)
            if other is None:
                return np.full(len(rows), np.nan)
            theirs = _on_days(rows.days, other.days, changes(other.close, other.references))
            return changes(rows.close, rows.references) - theirs
        case Ratio(symbol) | Spread(symbol):
            other = _settled_rows(symbol, setting, rows)
            if other is None:
                return np.full(len(rows), np.nan)
            own, theirs = (as_traded(each, each.close) for each in (rows, other))
            theirs = _on_days(rows.days, other.days, theirs)
            return own / theirs if isinstance(measure, Ratio) else own - theirs
        case _:
            assert_never(measure)


def rows_of(symbol: str, setting: Setting, rows: Rows) -> Rows | None:
    """Return another instrument's rows up to the last of `rows`; None where nothing was known of it then."""
    found = setting.others(symbol)
    if found is None or not rows.series.bars:
        return None
    instrument, series = found
    series = series.until(rows.series.bars[-1].session)
    if not series.bars:
        return None
    return Rows(series, instrument.market, setting.calendar, None if rows.count is None else 1)


def _settled_rows(symbol: str, setting: Setting, rows: Rows) -> Rows | None:
    """Return another instrument's rows, where its close is known on the same date."""
    other = rows_of(symbol, setting, rows)
    return None if other is None or not settles_by(other.market, setting) else other


def settles_by(market: Market, setting: Setting) -> bool:
    """Tell whether another market's close of the same date is known once the instrument's own is.

    Live it is asked for what it is worth now.
    """
    if setting.now is not None or market == setting.market:
        return True
    day = setting.series.bars[-1].session
    return settlement(market, day) <= settlement(setting.market, day)


def _on_days(days: Days, theirs: Days, values: Floats) -> Floats:
    """Return another's values on the same dates, NaN where it has none."""
    at = np.minimum(np.searchsorted(theirs, days), len(theirs) - 1)
    return np.where(theirs[at] == days, values[at], np.nan)


def _breadth(measure: Breadth, setting: Setting, rows: Rows) -> Floats:
    """Count the members that moved so far, of those that are watched and traded in the session."""
    moved = np.zeros(len(rows))
    known = np.zeros(len(rows), np.bool_)
    for symbol, belongs in _members(measure.index, setting, rows).items():
        other = _settled_rows(symbol, setting, rows)
        if other is None:
            continue
        bases = _on_days(rows.days, other.days, other.references)
        closes = _on_days(rows.days, other.days, other.close)
        counted = belongs & ~np.isnan(bases)
        known |= counted
        moved += counted & _reached(closes, bases, measure)
    return np.where(known, moved, np.nan)


def _members(index: str, setting: Setting, rows: Rows) -> dict[str, Mask]:
    """Return in which rows each constituent belonged to the index."""
    found: dict[str, Mask] = defaultdict(lambda: np.zeros(len(rows), np.bool_))
    sharing: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, day in enumerate(rows.days.tolist()):
        sharing[setting.members(index, date.fromordinal(day))].append(at)
    for symbols, shared in sharing.items():
        for symbol in symbols:
            found[symbol][shared] = True
    return found


def _reached(prices: Floats, bases: Floats, measure: Breadth) -> Mask:
    """Tell which prices moved so far from their bases, as the decimals they are; an equal one did not."""
    up = measure.direction == "up"
    pct = measure.pct if up else -measure.pct
    levels = bases * (100 + pct)
    apart = prices * 100 - levels
    reached = apart > 0 if up else apart < 0
    for at in np.flatnonzero(np.abs(apart) <= np.abs(levels) * _DOUBTFUL).tolist():
        reached[at] = pct != 0 and reaches(float(prices[at]), float(bases[at]), pct)
    return reached
