"""The premium of a New York line over its Hong Kong line, as far as daily bars tell it.

`market/premium` defines it at any moment; at the final look at a bar it comes to this:

1. When New York closes, Hong Kong has closed on the same date, or on its last session before it. New York's
   close against that one is the premium, and the implied gap too, which ends when Hong Kong opens.
2. When Hong Kong closes, New York has closed since the Hong Kong close before, or neither side has traded
   after the other. Hong Kong's close against that New York close is the premium, and its opening price
   against the same was the premium at the open. The gap that was implied is over.

Where the bar of a session in between is missing, the rate is too old, or levels were not traded, it is not
known. A currency's bar is that of its date: Hong Kong keeps its dollar so near to one rate that the hours do
not matter.
"""

from __future__ import annotations

import numpy as np

from bot.market.actions import splits
from bot.market.twins import Twin
from bot.rules.arrays import Days, Floats
from bot.rules.bar_columns import Mask, Rows
from bot.rules.beside_columns import rows_of
from bot.rules.measures import Premium
from bot.rules.own_columns import as_traded
from bot.rules.scene import Setting

# As in market/premium: a rate is a day old at most, and Hong Kong's is near to where its dollar is kept.
_RATE_LASTS = 1
_LEAST_PEG, _MOST_PEG = 7.7, 7.9


def premium_column(measure: Premium, setting: Setting, rows: Rows) -> Floats:
    """Return a premium at the close of each row's bar, in per cent; NaN where daily bars do not tell it."""
    found = np.full(len(rows), np.nan)
    for twin in twins_of(setting):
        since = rows.days >= twin.since.toordinal()
        found[since] = _premiums(measure, twin, setting, rows)[since]
    return found


def twins_of(setting: Setting) -> tuple[Twin, ...]:
    """Return the twins of which the instrument is either side, the oldest ratio first."""
    symbol = setting.instrument.symbol
    held = (each for each in setting.twins if symbol in {each.symbol, each.adr})
    return tuple(sorted(held, key=lambda each: each.since))


def _premiums(measure: Premium, twin: Twin, setting: Setting, rows: Rows) -> Floats:
    """Return the premiums of all rows by one ratio."""
    is_new_york = setting.instrument.symbol == twin.adr
    other = rows_of(twin.symbol if is_new_york else twin.adr, setting, rows)
    wanted = ("premium", "implied gap") if is_new_york else ("premium", "premium at open")
    if other is None or not len(other) or measure.kind not in wanted:
        return np.full(len(rows), np.nan)
    own = rows.open if measure.kind == "premium at open" else rows.close
    own, theirs = _prices(rows, own), _prices(other, other.close)
    at, known = (_hong_kong_before if is_new_york else _new_york_before)(rows, other)
    theirs = np.where(known, theirs[at], np.nan)
    new_york, hong_kong = (own, theirs) if is_new_york else (theirs, own)
    return (new_york * _rates(twin, setting, rows) / (twin.ratio * hong_kong) - 1) * 100


def _prices(rows: Rows, levels: Floats) -> Floats:
    """Return levels in shares of their own day, as a ratio is; NaN where they were not traded."""
    found = as_traded(rows, levels)
    for split in splits(rows.series.actions):
        found[rows.days < split.session.toordinal()] /= split.factor
    return found


def _hong_kong_before(rows: Rows, hong_kong: Rows) -> tuple[Days, Mask]:
    """Return Hong Kong's last bar at each New York close, and whether Hong Kong has not opened since."""
    at = np.searchsorted(hong_kong.days, rows.days, "right") - 1
    opened = _unheld(hong_kong)
    last = np.searchsorted(opened, hong_kong.days[at], "right")
    return at, (at >= 0) & (np.searchsorted(opened, rows.days, "right") == last)


def _new_york_before(rows: Rows, new_york: Rows) -> tuple[Days, Mask]:
    """Return New York's last bar at each Hong Kong close, and whether it closed since the one before.

    Where it may have traded later, that close is not its last.
    """
    at = np.searchsorted(new_york.days, rows.days) - 1
    closes = np.union1d(rows.days, _unheld(rows))
    before = np.searchsorted(closes, rows.days) - 1
    traded = (at >= 0) & (before >= 0) & (new_york.days[at] >= closes[before])
    halts = np.array([each.toordinal() for each in new_york.series.untraded], np.int64)
    lost = np.setdiff1d(_unheld(new_york), halts)
    last = np.searchsorted(lost, new_york.days[at], "right")
    return at, traded & (np.searchsorted(lost, rows.days) == last)


def _unheld(rows: Rows) -> Days:
    """Return the sessions of a market of which an instrument has no bar."""
    sessions = rows.calendar.sessions.get(rows.market, ())
    return np.setdiff1d(np.array([each.toordinal() for each in sessions], np.int64), rows.days)


def rate_symbol(twin: Twin, setting: Setting) -> str | None:
    """Return the rate that brings New York's price into Hong Kong's currency.

    None where both are in one, or the other line is not known.
    """
    own = setting.instrument
    found = setting.others(twin.symbol if own.symbol == twin.adr else twin.adr)
    if found is None or found[0].currency == own.currency:
        return None
    hong_kong = found[0] if own.symbol == twin.adr else own
    return f"{hong_kong.currency}=X"


def _rates(twin: Twin, setting: Setting, rows: Rows) -> Floats:
    """Return the rate of each row's date or of the day before, NaN where it cannot be true."""
    symbol = rate_symbol(twin, setting)
    if symbol is None:
        return np.ones(len(rows))
    rate = rows_of(symbol, setting, rows)
    if rate is None or not len(rate):
        return np.full(len(rows), np.nan)
    at = np.searchsorted(rate.days, rows.days, "right") - 1
    recent = (at >= 0) & (rows.days - rate.days[at] <= _RATE_LASTS)
    rates = rate.close[at]
    if symbol == "HKD=X":
        recent &= (rates >= _LEAST_PEG) & (rates <= _MOST_PEG)
    return np.where(recent, rates, np.nan)
