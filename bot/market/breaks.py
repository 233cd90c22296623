"""What is wrong with recorded bars: sessions that are not there, and levels that do not go together.

A big move of the market is no break: what is named is a change of level that trading does not make. An action
so small that its change could be a day's move shows in the bars only by their `adjusted` flag.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from statistics import median

from bot.market.bars import Bar, Calendar, Series

_SATURDAY = 5
_WEEKDAYS_ONLY = frozenset({"HK", "CN", "US"})
_OUTVOTED_BY = 3
# What trades we do not know where trades where its sessions are these, but for one in a hundred.
_ALIKE, _FEWEST_ALIKE = 0.99, 60

# A leap is at least this, and this many times a usual day's move.
_LEAST_LEAP = math.log(1.25)
_LEAST_ALONE = math.log(1.4)
_OUTSIZE = 10
# The day of a leap that nobody traded is like other days: this many times as wide, moved and crowded at most.
_WIDE, _MOVED, _CROWDED = 2.5, 4, 3
_CALM = 0.02
# How near a leap is to a customary ratio, at least, in usual moves and at most; two may undo each other less
# exactly.
_NEAR, _NEAR_AT_MOST, _UNDOING = 0.02, 0.03, 1.5
# No session begins so far from the last, unless a suspension lies between: longer than any holiday.
_BEYOND_TRADING = math.log(4)
_SUSPENDED = timedelta(days=14)
_AROUND = 30
_FEWEST_AROUND = 10
_USUAL_MOVE = 0.03
_LONGEST_SPAN = 20
_STAYS = 5
_CUSTOMARY = (1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)


@dataclass(frozen=True, slots=True)
class Gap:
    """Sessions in a row that an instrument lacks while `others` of its market, at the least, traded."""

    symbol: str
    sessions: tuple[date, ...]
    others: int


@dataclass(frozen=True, slots=True)
class Stray:
    """A bar of a day that is hardly a session: a weekend, or a day on which all `others` have none."""

    symbol: str
    session: date
    others: int


@dataclass(frozen=True, slots=True)
class Seam:
    """Two neighbouring bars of different levels, and the change that they seem to show."""

    before: date
    after: date
    change_pct: float


@dataclass(frozen=True, slots=True)
class Mixed:
    """Sessions whose bars are `adjusted` where those around them are as traded, or the reverse."""

    symbol: str
    sessions: tuple[date, ...]
    adjusted: bool
    seams: tuple[Seam, ...]


@dataclass(frozen=True, slots=True)
class Leap:
    """Sessions that stand at `times` the level of the bars before.

    Where `seams` are two, the bars after are back at the old level; where there is one, they stay, and
    `sessions` holds the first of them alone.
    """

    symbol: str
    sessions: tuple[date, ...]
    times: float
    seams: tuple[Seam, ...]


Finding = Gap | Stray | Mixed | Leap


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, oldest first by symbol; and whose sessions could not be compared with any other's."""

    findings: tuple[Finding, ...]
    alone: tuple[str, ...]


def check(series: Mapping[str, Series], places: Mapping[str, str]) -> Checked:
    """Look through every series; `places` tells where a symbol trades, as far as that is known.

    Only instruments of one place are compared, each between its first bar and its last: what lies outside may
    be a listing's eve or a delisting. One whose place is not known is compared where its sessions are
    another place's, but vouches for none.
    """
    held = {symbol: each for symbol, each in series.items() if each.bars}
    together: dict[str, list[Series]] = {}
    for symbol, each in held.items():
        if symbol in places:
            together.setdefault(places[symbol], []).append(each)
    found: list[Finding] = []
    compared: set[str] = set()
    traded: dict[str, tuple[date, ...]] = {}
    for place, those in together.items():
        strays = list(_strays(place, those))
        known = {session for each in those for session in each.sessions}
        known -= {each.session for each in strays}
        if known:
            traded[place] = tuple(sorted(known))
        found += strays
    calendar = Calendar(traded)
    for symbol, each in held.items():
        here = places.get(symbol) or _place_like(each, calendar)
        others = [other for other in together.get(here or "", ()) if other is not each]
        if here is not None and others:
            compared.add(symbol)
            found += _gaps(each, others, calendar, here)
        found += [*_mixed(each), *_leaps(each)]
    order = {symbol: at for at, symbol in enumerate(held)}
    found.sort(key=lambda each: (order[each.symbol], _first_session(each)))
    return Checked(tuple(found), tuple(symbol for symbol in held if symbol not in compared))


def _first_session(finding: Finding) -> date:
    return finding.session if isinstance(finding, Stray) else finding.sessions[0]


def _strays(place: str, together: Sequence[Series]) -> Iterator[Stray]:
    """Find the days that are more likely no session than missing everywhere else."""
    have: dict[date, list[str]] = {}
    for each in together:
        for session in each.sessions:
            have.setdefault(session, []).append(each.symbol)
    for session, symbols in have.items():
        others = sum(each.sessions[0] <= session <= each.sessions[-1] for each in together) - len(symbols)
        weekend = place in _WEEKDAYS_ONLY and session.weekday() >= _SATURDAY
        if weekend or (len(symbols) == 1 and others >= _OUTVOTED_BY):
            yield from (Stray(symbol, session, others) for symbol in symbols)


def _place_like(series: Series, calendar: Calendar) -> str | None:
    """Return the place whose sessions a series has, as far as both reach and where that is enough to tell."""
    for place, traded in calendar.sessions.items():
        first = max(series.sessions[0], traded[0])
        last = min(series.sessions[-1], traded[-1])
        ours = {each for each in series.sessions if first <= each <= last}
        theirs = {each for each in traded if first <= each <= last}
        if len(ours & theirs) >= max(_FEWEST_ALIKE, _ALIKE * len(ours | theirs)):
            return place
    return None


def _gaps(series: Series, others: Sequence[Series], calendar: Calendar, place: str) -> Iterator[Gap]:
    have = [set(each.sessions) for each in others]
    for before, after in pairwise(series.sessions):
        lacking = calendar.missing(place, before, after)
        if lacking:
            traded = min(sum(day in days for days in have) for day in lacking)
            yield Gap(series.symbol, lacking, traded)


def _mixed(series: Series) -> Iterator[Mixed]:
    """Find the runs of bars whose flag is not that of the most; of as many, the adjusted ones are odd."""
    bars = series.bars
    odd = sum(each.adjusted for each in bars) * 2 <= len(bars)
    start = 0
    for adjusted, run in groupby(bars, key=lambda each: each.adjusted):
        sessions = tuple(each.session for each in run)
        end = start + len(sessions)
        if adjusted == odd and len(sessions) < len(bars):
            places = [at for at in (start, end) if 0 < at < len(bars)]
            yield Mixed(series.symbol, sessions, adjusted, tuple(_close_seam(bars, at) for at in places))
        start = end


def _close_seam(bars: Sequence[Bar], index: int) -> Seam:
    before, after = bars[index - 1], bars[index]
    return Seam(before.session, after.session, (after.close / before.close - 1) * 100)


@dataclass(frozen=True, slots=True)
class _Jump:
    """A bar that starts far from the close before it on a day that is like other days; `size` is a log."""

    index: int
    size: float
    tolerance: float


def _leaps(series: Series) -> Iterator[Leap]:
    """Find the changes of level that a corporate action makes and trading does not.

    1. A jump between a close and the next start, beyond any usual move, on a day that is otherwise like other
       days: what the market does to a price, it does with wide ranges and crowds. To a quarter or to four
       times it does nothing overnight.
    2. Either a second jump undoes it within a month: the bars between were restated, or all but they.
    3. Or it is of a customary ratio, and the closes before stand at the old level and those after at the new.
    """
    jumps = list(_jumps(series))
    while jumps:
        first, *jumps = jumps
        back = jumps[0] if jumps else None
        if back and back.index - first.index <= _LONGEST_SPAN and _undoes(back, first):
            jumps = jumps[1:]
            yield _leap(series, first, series.sessions[first.index : back.index], back)
        elif abs(first.size) >= _LEAST_ALONE and _is_customary(first) and _stays(series.bars, first):
            yield _leap(series, first, (series.sessions[first.index],))


def _leap(series: Series, first: _Jump, sessions: tuple[date, ...], back: _Jump | None = None) -> Leap:
    jumps = (first,) if back is None else (first, back)
    seams = tuple(_start_seam(series.bars, each.index) for each in jumps)
    return Leap(series.symbol, sessions, math.exp(first.size), seams)


def _start_seam(bars: Sequence[Bar], index: int) -> Seam:
    before, after = bars[index - 1], bars[index]
    return Seam(before.session, after.session, (_start(after) / before.close - 1) * 100)


def _start(bar: Bar) -> float:
    return bar.close if bar.open is None else bar.open


def _jumps(series: Series) -> Iterator[_Jump]:
    for index, (before, bar) in enumerate(pairwise(series.bars), start=1):
        size = math.log(_start(bar) / before.close)
        suspended = bar.session - before.session > _SUSPENDED
        if abs(size) < _LEAST_LEAP or suspended or bar.adjusted != before.adjusted:
            continue
        returns = series.log_returns
        around = [*returns[max(index - 1 - _AROUND, 0) : index - 1], *returns[index : index + _AROUND]]
        move = median(map(abs, around)) if len(around) >= _FEWEST_AROUND else _USUAL_MOVE
        if abs(size) >= _BEYOND_TRADING:
            yield _Jump(index, size, abs(size) / 4)
        elif abs(size) >= _OUTSIZE * move and _is_calm(series.bars, index, size, move):
            yield _Jump(index, size, min(max(_NEAR, move), _NEAR_AT_MOST))


def _is_calm(bars: Sequence[Bar], index: int, size: float, move: float) -> bool:
    """Tell whether the day of a jump is like the days around it, as far as its bar knows."""
    bar = bars[index]
    past = bars[max(index - _AROUND, 0) : index]
    around = (*past, *bars[index + 1 : index + 1 + _AROUND])
    spread, spreads = _spread(bar), [each for each in map(_spread, around) if each is not None]
    if spread is not None and spreads and spread > max(_CALM, _WIDE * median(spreads)):
        return False
    if abs(math.log(bar.close / _start(bar))) > max(_CALM, _MOVED * move):
        return False
    # A split alone makes as many times more shares change hands.
    volumes = [each.volume for each in past if each.volume]
    if not bar.volume or not volumes:
        return True
    return bar.volume <= _CROWDED * median(volumes) * max(1.0, math.exp(-size))


def _spread(bar: Bar) -> float | None:
    return None if bar.high is None or bar.low is None else math.log(bar.high / bar.low)


def _undoes(back: _Jump, first: _Jump) -> bool:
    return abs(back.size + first.size) <= _UNDOING * max(back.tolerance, first.tolerance)


def _is_customary(jump: _Jump) -> bool:
    ratio = customary(math.exp(jump.size))
    return abs(abs(jump.size) - math.log(ratio)) <= jump.tolerance


def customary(times: float) -> float:
    """Return the ratio of a split or a consolidation that is nearest to a change of level, 1 or more."""
    size = abs(math.log(times))
    at = bisect_left(_CUSTOMARY, math.exp(size))
    near = _CUSTOMARY[max(at - 1, 0) : at + 1]
    return min(near, key=lambda each: abs(math.log(each) - size))


def _stays(bars: Sequence[Bar], jump: _Jump) -> bool:
    old, new = bars[jump.index - 1].close, _start(bars[jump.index])
    before = bars[max(jump.index - _STAYS, 0) : jump.index]
    after = bars[jump.index : jump.index + _STAYS]
    half = abs(jump.size) / 2
    return (
        len(after) > 1
        and all(abs(math.log(each.close / old)) < half for each in before)
        and all(abs(math.log(_start(each) / old)) < half for each in before)
        and all(abs(math.log(each.close / new)) < half for each in after)
    )
