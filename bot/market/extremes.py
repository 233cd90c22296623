"""Lows and peaks of a window, and the episodes that new ones begin.

A window ends with the previous session: a bar is compared with what came before it. An extreme that merely
grows too old for the window begins no episode; only a bar that goes strictly beyond its window does.

`standings` is what that means for every bar. `extreme_since` and `last_standing` answer for the last one
alone: of settled bars they keep the few that can still be an extreme, and put today's bar on top.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from bot.errors import UsageError
from bot.market.bars import Bar, Reference, Series, Side, a_year_before

_LONGEST = {"d": 10_000, "w": 1_500}

Window = str
"""`all`, `52w`, `Nd` and `Nw` (days, weeks back), `ytd`, `mtd` or `since DATE`; `window_named` reads it."""


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
    return _since(series, start, reference, side, only_known=True)


def _since(
    series: Series, start: date, reference: Reference, side: Side, *, only_known: bool
) -> Extreme | None:
    settled = series if series.settled is None else series.settled
    asked = ("extremes", reference, side, only_known or reference == "close")
    held = settled.once(asked, lambda bars: _tail(bars, reference, side, only_known=only_known))
    at = 0 if start == date.min else bisect_left(held.sessions, start)
    found = held.extremes[at] if at < len(held.extremes) else None
    if settled is series:
        return found
    bar = series.bars[-1]
    if bar.session < start or (only_known and reference == "intraday" and bar.high is None):
        return found
    price = price_of(bar, reference, side)
    return Extreme(price, bar.session) if found is None or beyond(price, found.value, side) else found


@dataclass(frozen=True, slots=True)
class _Tail:
    """The candidates that none after them went beyond, oldest first, and their sessions.

    The extreme of the sessions since a date is the first of those since that date.
    """

    sessions: tuple[date, ...]
    extremes: tuple[Extreme, ...]


def _tail(series: Series, reference: Reference, side: Side, *, only_known: bool) -> _Tail:
    as_far = operator.le if side == "low" else operator.ge
    best = math.inf if side == "low" else -math.inf
    found: list[Extreme] = []
    candidates = _backwards(series, reference, side, only_known=only_known)
    if series.before:
        # what is known of a time without bars may be of a time whose bars came later
        candidates = iter(sorted(candidates, key=operator.itemgetter(0), reverse=True))
    for session, price in candidates:
        if as_far(price, best):
            best = price
            found.append(Extreme(price, session))
    extremes = tuple(reversed(found))
    return _Tail(tuple(each.session for each in extremes), extremes)


def _backwards(
    series: Series, reference: Reference, side: Side, *, only_known: bool
) -> Iterator[tuple[date, float]]:
    """Give the session and price of each candidate, the newest first."""
    if reference == "close":
        yield from ((bar.session, bar.close) for bar in reversed(series.bars))
    else:
        for bar in reversed(series.bars):
            if bar.high is not None or not only_known:
                yield bar.session, price_of(bar, reference, side)
    for known in reversed(series.before):
        if (known.reference, known.side) == (reference, side):
            yield known.session, known.value


def _candidates(series: Series, reference: Reference, side: Side) -> Iterator[Extreme]:
    for known in series.before:
        if (known.reference, known.side) == (reference, side):
            yield Extreme(known.value, known.session)
    for bar in series.bars:
        yield Extreme(price_of(bar, reference, side), bar.session)


def window_named(written: str) -> Window:
    """Return the window a person wrote, in its canonical form; `UsageError` where there is none such."""
    word = " ".join(written.lower().split())
    if word in {"all", "ytd", "mtd"}:
        return word
    if word.startswith("since "):
        with suppress(ValueError):
            return f"since {date.fromisoformat(word.removeprefix('since ')).isoformat()}"
    elif word[:-1].isascii() and word[:-1].isdecimal() and word[-1] in "dw":
        count = int(word[:-1])
        if 0 < count <= _LONGEST[word[-1]]:
            return f"{count}{word[-1]}"
    raise UsageError(f"“{written}” is no window: write all, 52w, 90d, ytd, mtd or since 2021-02-17.")


def window_start(window: Window, session: date) -> date:
    """Return the first date of the window of `session`; `52w` goes back to the same date a year earlier."""
    match window:
        case "all":
            return date.min
        case "52w":
            return a_year_before(session)
        case "ytd":
            return session.replace(month=1, day=1)
        case "mtd":
            return session.replace(day=1)
    if window.startswith("since "):
        return date.fromisoformat(window.removeprefix("since "))
    days = int(window[:-1]) * (7 if window[-1] == "w" else 1)
    return session - timedelta(days=days)


def standings(
    series: Series, reference: Reference, window: Window, side: Side
) -> tuple[Standing | None, ...]:
    """Return for each bar what it is compared with; None where its window holds no session.

    One pass over the series: `held` keeps the sessions that can still become the extreme, best first.
    """
    column: list[Standing | None] = []
    held: deque[Extreme] = deque()
    episode: Extreme | None = None
    for now in _candidates(series, reference, side):
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


def last_standing(series: Series, reference: Reference, window: Window, side: Side) -> Standing | None:
    """Return what the last bar is compared with: the last row of `standings`, without those before it."""
    now = series.bars[-1].session
    settled = series.until(now - timedelta(days=1))
    extreme = _since(settled, window_start(window, now), reference, side, only_known=False)
    if extreme is None:
        return None
    return Standing(
        extreme, extreme if window == "all" else _began(settled, extreme, reference, window, side)
    )


def _began(series: Series, extreme: Extreme, reference: Reference, window: Window, side: Side) -> Extreme:
    """Return the newest candidate up to `extreme` that went beyond its own window.

    One that did not go beyond it is as far as another of that window; those between the two are less far, so
    none of them went beyond either, and the search goes on from the other.
    """
    found, start = extreme, window_start(window, extreme.session)
    for session, price in _backwards(series, reference, side, only_known=False):
        if session >= extreme.session:
            continue
        if session < start:
            break
        if not beyond(found.value, price, side):
            found, start = Extreme(price, session), window_start(window, session)
    return found
