"""The falls of an instrument's closes: from a peak, to the lowest close, to the first close back at it."""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.market.bars import Series


@dataclass(frozen=True, slots=True)
class Fall:
    """A fall of closes from a peak: its lowest close, and the first close back at the peak, if any."""

    depth_pct: float
    start: date
    trough: date
    recovery: date | None


@dataclass(frozen=True, slots=True)
class _Close:
    session: date
    value: float


def worst_falls(series: Series, start: date) -> tuple[Fall, ...]:
    """Return every fall of closes since `start` that is known, the deepest first; the last may be open.

    Of a time whose bars are not held no fall is told but the one that its peak began and the bars go on with.
    """
    settled = series.settled
    if settled is None or not settled.bars or settled.bars[-1].session < start:
        return _Run.of(_closes(series, start)).falls()
    run = settled.once(("falls", start), lambda held: _Run.of(_closes(held, start)))
    return run.then(_Close(series.bars[-1].session, series.bars[-1].close)).falls()


@dataclass(frozen=True, slots=True)
class _Run:
    """The falls that are over, deepest first, and the peak and the lowest close of what may be another."""

    over: tuple[Fall, ...]
    top: _Close
    trough: _Close

    @classmethod
    def of(cls, closes: Sequence[_Close]) -> _Run:
        """Go through closes, oldest first; there is at least one."""
        over: list[Fall] = []
        top = trough = closes[0]
        for now in closes[1:]:
            if now.value >= top.value:
                if trough.value < top.value:
                    over.append(_fall(top, trough, now.session))
                top = trough = now
            elif now.value < trough.value:
                trough = now
        return cls(tuple(sorted(over, key=_depth_of)), top, trough)

    def then(self, now: _Close) -> _Run:
        """Go one close further."""
        if now.value >= self.top.value:
            return _Run(self._and(now.session), now, now)
        return _Run(self.over, self.top, now if now.value < self.trough.value else self.trough)

    def falls(self) -> tuple[Fall, ...]:
        """Return every fall, deepest first, the one that is not over among them."""
        return self._and(None)

    def _and(self, recovery: date | None) -> tuple[Fall, ...]:
        if self.trough.value >= self.top.value:
            return self.over
        fall = _fall(self.top, self.trough, recovery)
        at = bisect_right(self.over, fall.depth_pct, key=_depth_of)
        return (*self.over[:at], fall, *self.over[at:])


_depth_of = operator.attrgetter("depth_pct")


def _fall(top: _Close, trough: _Close, recovery: date | None) -> Fall:
    return Fall((trough.value / top.value - 1) * 100, top.session, trough.session, recovery)


def _closes(series: Series, start: date) -> list[_Close]:
    """Return the closes of the bars, behind the peak before them if that is higher, and the lows since it."""
    held = [_Close(each.session, each.close) for each in series.since(start)]
    known = [each for each in series.before if each.reference == "close" and each.session >= start]
    peak = max((each for each in known if each.side == "peak"), key=lambda each: each.value, default=None)
    if peak is None or peak.value <= held[0].value:
        return held
    lows = [_Close(each.session, each.value) for each in known if each.session > peak.session]
    return [_Close(peak.session, peak.value), *lows, *held]
