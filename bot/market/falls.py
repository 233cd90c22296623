"""The falls of an instrument's closes: from a peak, to the lowest close, to the first close back at it."""

from __future__ import annotations

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
    closes = _closes(series, start)
    found: list[Fall] = []
    top = trough = closes[0]
    for now in (*closes[1:], None):
        if now is not None and now.value < top.value:
            trough = now if now.value < trough.value else trough
            continue
        if trough.value < top.value:
            depth = (trough.value / top.value - 1) * 100
            found.append(Fall(depth, top.session, trough.session, None if now is None else now.session))
        if now is not None:
            top = trough = now
    return tuple(sorted(found, key=lambda each: each.depth_pct))


def _closes(series: Series, start: date) -> list[_Close]:
    """Return the closes of the bars, behind the peak before them if that is higher, and the lows since it."""
    held = [_Close(each.session, each.close) for each in series.since(start)]
    known = [each for each in series.before if each.reference == "close" and each.session >= start]
    peak = max((each for each in known if each.side == "peak"), key=lambda each: each.value, default=None)
    if peak is None or peak.value <= held[0].value:
        return held
    lows = [_Close(each.session, each.value) for each in known if each.session > peak.session]
    return [_Close(peak.session, peak.value), *lows, *held]
