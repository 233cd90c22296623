"""What measures are worked out of: an instrument's bars as columns, whole or the last of them alone.

A measure is one function of these `Rows`. A back-test asks it for every row, a live look for the last one,
with as few rows before it as give the very same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.errors import NotKnown
from bot.market.bars import Bar, Calendar, Reference, Series, Side
from bot.market.extremes import Window, window_start
from bot.market.instrument import Market
from bot.market.reference import day_reference
from bot.rules.arrays import Arrays, Days, Floats, arrays_of, day_references, extremes
from bot.rules.scene import Now

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """The bars of a series, all of them or, where `count` is given, so many of the last.

    Of the last ones alone, what needs more than these bars is known for the last row and NaN before it. `now`
    is what a live look knows; without it the last bar is settled as all others are.
    """

    series: Series
    market: Market
    calendar: Calendar
    count: int | None = None
    now: Now | None = None

    @cached_property
    def arrays(self) -> Arrays:
        """Every bar of the series, however few are asked for."""
        return arrays_of(self.series)

    @property
    def first(self) -> int:
        """The index of the first row's bar."""
        held = len(self.series.bars)
        return 0 if self.count is None else max(held - self.count, 0)

    def __len__(self) -> int:
        return len(self.series.bars) - self.first

    @property
    def days(self) -> Days:
        """The sessions, as `date.toordinal` counts them."""
        return self.arrays.days[self.first :]

    @property
    def open(self) -> Floats:
        """The opening prices, NaN where they are not known."""
        return self.arrays.open[self.first :]

    @property
    def top(self) -> Floats:
        """The highest prices known."""
        return self.arrays.top[self.first :]

    @property
    def bottom(self) -> Floats:
        """The lowest prices known."""
        return self.arrays.bottom[self.first :]

    @property
    def close(self) -> Floats:
        """The closes; live, the last is the last price."""
        return self.arrays.close[self.first :]

    @property
    def volume(self) -> Floats:
        """What was traded, NaN where it is not known."""
        return self.arrays.volume[self.first :]

    @property
    def bars(self) -> Sequence[Bar]:
        """The rows' bars."""
        return self.series.bars[self.first :]

    @property
    def adjusted(self) -> Mask:
        """Whether the levels of a bar were not traded."""
        return _adjusted(self.series)[self.first :]

    @cached_property
    def references(self) -> Floats:
        """The close that each row's day move is counted from, as `day_reference` has it."""
        if self.count is None:
            return day_references(self.series, self.market, self.calendar)
        try:
            last = day_reference(self.series, len(self.series.bars) - 1, self.market, self.calendar).value
        except NotKnown:
            last = np.nan
        return self.last_alone(last)

    def prices(self, reference: Reference, side: Side) -> Floats:
        """Return the prices that count towards an extreme."""
        if reference == "close":
            return self.close
        return self.bottom if side == "low" else self.top

    def extremes(self, reference: Reference, window: Window, side: Side) -> Floats:
        """Return the extreme of each row's window, which ends with the session before it."""
        if self.count is None:
            asked = ("extreme before", reference, window, side)
            return self.series.once(asked, lambda held: extremes(held, reference, window, side).value)
        start = window_start(window, self.series.bars[-1].session)
        whole = Rows(self.series, self.market, self.calendar)
        at = int(np.searchsorted(whole.days, start.toordinal()))
        candidates = whole.prices(reference, side)[at:-1]
        known = [
            each.value
            for each in self.series.before
            if (each.reference, each.side) == (reference, side) and each.session >= start
        ]
        if len(candidates):
            known.append(float(candidates.min() if side == "low" else candidates.max()))
        return self.last_alone((min if side == "low" else max)(known, default=np.nan))

    def deviations(self, sessions: int) -> Floats:
        """Return the sample deviation of the `sessions` log returns that ended before each row.

        NaN where fewer are known.
        """
        if self.count is None:
            return self.series.once(("deviations", sessions), lambda held: _deviations(held, sessions))
        settled = self.series.settled
        if settled is None:
            return self.last_alone(_deviation_after(self.arrays.close[:-1], sessions))
        return self.last_alone(
            settled.once(
                ("deviation after", sessions), lambda held: _deviation_after(arrays_of(held).close, sessions)
            )
        )

    def lost(self) -> Days:
        """Return the market's sessions between the rows of which a bar may be missing."""
        bars = self.bars
        if not bars:
            return np.empty(0, np.int64)
        known = self.calendar.sessions.get(self.market, ())
        if self.count is None and known == self.series.sessions:
            return np.empty(0, np.int64)
        passed = set(self.calendar.missing(self.market, bars[0].session, bars[-1].session))
        lost = passed.difference(each.session for each in bars).difference(self.series.untraded)
        return np.array(sorted(each.toordinal() for each in lost), np.int64)

    def last_alone(self, value: float) -> Floats:
        """Return a column that knows nothing but its last row."""
        column = np.full(len(self), np.nan)
        column[-1:] = value
        return column


def ahead(rows: Rows, sessions: int, column: Floats) -> Floats:
    """Return a column of which the first `sessions` rows were left out, with NaN in their place."""
    return np.concatenate((np.full(min(sessions, len(rows)), np.nan), column))


def sums(column: Floats, length: int) -> Floats:
    """Return the sum of each `length` rows in a row.

    Each is added up by itself and in the same order, so it does not depend on the rows around it.
    """
    count = max(len(column) - length + 1, 0)
    found = np.zeros(count)
    for at in range(length):
        found += column[at : at + count]
    return found


def _adjusted(series: Series) -> Mask:
    def work(held: Series) -> Mask:
        if held.settled is None:
            return np.fromiter((each.adjusted for each in held.bars), np.bool_, len(held.bars))
        return np.append(_adjusted(held.settled), held.bars[-1].adjusted)

    return series.once("adjusted rows", work)


def _deviations(series: Series, sessions: int) -> Floats:
    closes = arrays_of(series).close
    spread = _spread(_returns(closes[:-1]), sessions)
    return np.concatenate((np.full(len(closes) - len(spread), np.nan), spread))


def _deviation_after(closes: Floats, sessions: int) -> float:
    """Return the deviation of the last `sessions` log returns of `closes`."""
    found = _spread(_returns(closes[-sessions - 1 :]), sessions)
    return float(found[-1]) if len(found) else np.nan


def _returns(closes: Floats) -> Floats:
    return np.log(closes[1:] / closes[:-1])


def _spread(returns: Floats, length: int) -> Floats:
    """Return the sample deviation of each `length` returns in a row; of a single one there is none."""
    if length == 1:
        return np.full(len(returns), np.nan)
    means = sums(returns, length) / length
    squares = np.zeros(len(means))
    apart = np.empty(len(means))
    for at in range(length):
        np.subtract(returns[at : at + len(means)], means, out=apart)
        np.multiply(apart, apart, out=apart)
        squares += apart
    return np.sqrt(squares / (length - 1))
