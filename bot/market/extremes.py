"""Lows and peaks of a window, and the episodes that new ones begin.

A window ends with the previous session: a bar is compared with what came before it. An extreme that merely
grows too old for the window begins no episode; only a bar that goes strictly beyond its window does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast, get_args

from bot.errors import UsageError
from bot.market.bars import Bar, Reference, Series, Side, a_year_before

Window = Literal["all", "52w"]


@dataclass(frozen=True, slots=True)
class Extreme:
    """The lowest or highest price of a window and the first session that had it."""

    value: float
    session: date


@dataclass(frozen=True, slots=True)
class Standing:
    """What a bar is compared with: the extreme before it, and the extreme that began the episode."""

    extreme: Extreme
    episode: Extreme


def price_of(bar: Bar, reference: Reference, side: Side) -> float:
    """Return the price of `bar` that counts towards an extreme."""
    if reference == "close":
        return bar.close
    return bar.bottom if side == "low" else bar.top


def beyond(price: float, extreme: float, side: Side) -> bool:
    """Tell whether `price` is a new extreme; an equal one is not."""
    return price < extreme if side == "low" else price > extreme


def extreme_since(series: Series, start: date, reference: Reference, side: Side) -> Extreme | None:
    """Return the extreme of the sessions from `start` on, the first session's where several are equal.

    A bar with only a close has no intraday extremes and counts towards none.
    """
    found: Extreme | None = None
    for each in _candidates(series, reference, side, only_known=True):
        if each.session >= start and (found is None or beyond(each.value, found.value, side)):
            found = each
    return found


def _candidates(series: Series, reference: Reference, side: Side, *, only_known: bool) -> Iterator[Extreme]:
    for known in series.before:
        if (known.reference, known.side) == (reference, side):
            yield Extreme(known.value, known.session)
    for bar in series.bars:
        if not only_known or reference == "close" or bar.high is not None:
            yield Extreme(price_of(bar, reference, side), bar.session)


def window_named(written: str) -> Window:
    """Return the window a person wrote; `UsageError` when there is none of that name."""
    for window in get_args(Window):
        if window == written:
            return cast("Window", window)
    raise UsageError(f"“{written}” is no window: write {' or '.join(get_args(Window))}.")


def window_start(window: Window, session: date) -> date:
    """Return the first date of the window of `session`; `52w` goes back to the same date a year earlier."""
    return date.min if window == "all" else a_year_before(session)


def standings(
    series: Series, reference: Reference, window: Window, side: Side
) -> tuple[Standing | None, ...]:
    """Return for each bar what it is compared with; None where its window holds no session.

    One pass over the series: `held` keeps the sessions that can still become the extreme, best first.
    """
    column: list[Standing | None] = []
    held: deque[Extreme] = deque()
    episode: Extreme | None = None
    for now in _candidates(series, reference, side, only_known=False):
        start = window_start(window, now.session)
        while held and held[0].session < start:
            held.popleft()
        column.append(Standing(held[0], episode or held[0]) if held else None)
        if not held or beyond(now.value, held[0].value, side):
            episode = now
        while held and beyond(now.value, held[-1].value, side):
            held.pop()
        held.append(now)
    return tuple(column[len(column) - len(series.bars) :])
