"""One session's prices, and an instrument's sessions in order."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, TypeVar

from bot.market.actions import Action, rescaled, splits
from bot.market.followed import Followed

_MONTHS_29TH = (2, 29)
# Over a longer time than a holiday two prices do not say what split lies between them.
_NEIGHBOURS = timedelta(days=14)

Reference = Literal["close", "intraday"]
Side = Literal["low", "peak"]

Worked = TypeVar("Worked")


@dataclass(frozen=True, slots=True)
class Bar:
    """One session: prices in the instrument's currency or in points.

    A bar may know nothing but its close; then it has no intraday extremes. `adjusted` says that levels are
    restated for dividends: percentages hold, levels are not what was traded.
    """

    session: date
    close: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
    adjusted: bool = False

    @property
    def top(self) -> float:
        """The highest price known of the session."""
        return self.close if self.high is None else self.high

    @property
    def bottom(self) -> float:
        """The lowest price known of the session."""
        return self.close if self.low is None else self.low


@dataclass(frozen=True, slots=True)
class Known:
    """An extreme known of a time whose bars are not held: a low or a peak, by close or intraday."""

    session: date
    side: Side
    reference: Reference
    value: float


@dataclass(frozen=True)
class Series:
    """The bars of one instrument, oldest first, one a session.

    `before` holds what is known of the time before the first bar, oldest first. Levels are as traded, all of
    them in shares of the time after the last split among `actions`, which are oldest first. `stand_in` is
    the symbol of the fund whose rescaled bars stand before the instrument's own, "" where none do; those bars
    are `adjusted`. `untraded` are sessions of its market in which it is known not to have traded.
    """

    symbol: str
    bars: Sequence[Bar]
    before: tuple[Known, ...] = ()
    actions: tuple[Action, ...] = ()
    stand_in: str = ""
    untraded: tuple[date, ...] = ()

    @cached_property
    def sessions(self) -> tuple[date, ...]:
        """The dates of the bars."""
        return tuple(each.session for each in self.bars)

    @cached_property
    def log_returns(self) -> Sequence[float]:
        """Close-to-close log returns; the n-th ends with bar n + 1."""
        return _log_returns(self.bars)

    @cached_property
    def settled(self) -> Series | None:
        """The series that the last bar was put on, where one was: what was worked out of it still holds."""
        return None

    @cached_property
    def _worked_out(self) -> dict[Hashable, Any]:
        return {}

    def once(self, asked: Hashable, work: Callable[[Series], Worked]) -> Worked:
        """Return `work(self)`, done once for what was `asked`: bars never change."""
        found: Worked
        try:
            found = self._worked_out[asked]
        except KeyError:
            found = self._worked_out[asked] = work(self)
        return found

    def until(self, session: date) -> Series:
        """Return what was known when `session` had settled."""
        at = self.index_of(session)
        return self._first(self.count_before(session) if at is None else at + 1)

    def with_bar(self, bar: Bar) -> Series:
        """Return the series with `bar` as its last, in place of one of the same session."""
        settled = self._first(self.count_before(bar.session)).alone
        bars = Followed(settled.bars, bar)
        made = Series(self.symbol, bars, self.before, self.actions, self.stand_in, self.untraded)
        vars(made)["settled"] = settled
        return made

    @cached_property
    def alone(self) -> Series:
        """The same without what its last bar was put on: nothing may keep bar upon bar for ever."""
        return self if self.settled is None else replace(self, bars=tuple(self.bars))

    def count_before(self, session: date) -> int:
        """Return how many bars are of sessions before `session`."""
        if not self.bars or self.bars[-1].session < session:
            return len(self.bars)
        settled = self.settled
        return bisect_left(self.sessions, session) if settled is None else settled.count_before(session)

    def _first(self, bars: int) -> Series:
        if bars == len(self.bars):
            return self
        if self.settled is not None and bars == len(self.settled.bars):
            return self.settled
        return replace(self, bars=self.bars[:bars])

    @cached_property
    def adjusted(self) -> frozenset[date]:
        """The sessions whose bars are adjusted."""
        if self.settled is None:
            return frozenset(each.session for each in self.bars if each.adjusted)
        last = self.bars[-1]
        return self.settled.adjusted | {last.session} if last.adjusted else self.settled.adjusted

    def index_of(self, session: date) -> int | None:
        """Return the index of the bar of `session`."""
        at = self.count_before(session)
        return at if at < len(self.bars) and self.bars[at].session == session else None

    def joined(self, coming: Series) -> Series:
        """Return both as one; where both have a session, its bar is that of `coming`.

        What `coming` tells of a split that was not known rescales the own prices of before it.
        """
        held = for_splits(self, coming)
        bars = {each.session: each for each in (*held.bars, *coming.bars)}
        first = min(bars, default=date.max)
        before = coming.before or tuple(each for each in held.before if each.session <= first)
        untraded = {*held.untraded, *coming.untraded} - bars.keys()
        return Series(
            self.symbol,
            tuple(bars[session] for session in sorted(bars)),
            before,
            _merged(held.actions, coming.actions),
            coming.stand_in or held.stand_in,
            tuple(sorted(untraded)),
        )

    def since(self, session: date) -> Sequence[Bar]:
        """Return the bars of `session` and after."""
        return self.bars[self.count_before(session) :]

    def sigma(self, index: int, lookback: int) -> float | None:
        """Return the sample standard deviation of the last `lookback` log returns before bar `index`.

        The bar's own move never enters. None when fewer than `lookback` returns are known.
        """
        if self.settled is not None and index == len(self.settled.bars):
            return self.settled.sigma(index, lookback)
        if index == len(self.bars):
            asked = ("sigma", lookback)
            return self.once(
                asked, lambda held: _deviation(_log_returns(held.bars[-lookback - 1 :]), lookback)
            )
        return _deviation(self.log_returns[max(index - 1 - lookback, 0) : max(index - 1, 0)], lookback)


def with_actions(series: Series, actions: Iterable[Action], until: date) -> Series:
    """Return a series that knows of `actions` up to a session too, its prices restated for their splits.

    What it knows already is left as the source has it, and what is still to come changes nothing yet.
    """
    known = {(each.session, each.kind) for each in series.actions}
    missed = (each for each in actions if each.session <= until)
    unknown = tuple(each for each in missed if (each.session, each.kind) not in known)
    if not unknown:
        return series
    told = Series(series.symbol, (), actions=_merged((), unknown))
    return replace(for_splits(series, told), actions=_merged(series.actions, unknown))


def _merged(actions: Iterable[Action], coming: Iterable[Action]) -> tuple[Action, ...]:
    found = {(each.session, each.kind): each for each in (*actions, *coming)}
    return tuple(found[each] for each in sorted(found))


def for_splits(series: Series, coming: Series) -> Series:
    """Return a series restated for the splits that only `coming` knows, the last first.

    It may be in shares of after a split that it does not know of, such as one from before actions were
    kept: then it is left as it is.
    """
    known = {each.session: each.factor for each in splits(series.actions)}
    for split in reversed(splits(coming.actions)):
        times = split.factor / known.get(split.session, 1.0)
        if times != 1 and not _is_restated(series, coming, split.session, times):
            series = _restated(series, split.session, times)
    return series


def _is_restated(series: Series, coming: Series, session: date, times: float) -> bool:
    """Tell whether a series' prices of before `session` are in shares of after it.

    The last price that both know of before it says so; without one, how the series goes on does.
    """
    held = series.bars[: series.count_before(session)]
    theirs = {each.session: each.close for each in coming.bars if each.session < session}
    both = next((each for each in reversed(held) if each.session in theirs), None)
    if both is not None:
        return _nearer(theirs[both.session] / both.close, times)
    after = (*series.since(session)[:1], *coming.since(session)[:1])
    following = min(after, key=lambda each: each.session, default=None)
    if not held or following is None or following.session - held[-1].session > _NEIGHBOURS:
        return False
    return _nearer((following.open or following.close) / held[-1].close, times)


def _nearer(change: float, times: float) -> bool:
    """Tell whether a change of level is nearer to none than to that of a split."""
    return abs(math.log(change)) < abs(math.log(change / times))


def _restated(series: Series, session: date, times: float) -> Series:
    """Return a series with the prices of before `session` in shares of after its split."""

    def bar(each: Bar) -> Bar:
        prices = (each.open, each.high, each.low)
        opened, high, low = (None if price is None else rescaled(price, times) for price in prices)
        volume = None if each.volume is None else each.volume / times
        close = rescaled(each.close, times)
        return replace(each, close=close, open=opened, high=high, low=low, volume=volume)

    at = series.count_before(session)
    return replace(
        series,
        bars=(*map(bar, series.bars[:at]), *series.bars[at:]),
        before=tuple(
            replace(each, value=rescaled(each.value, times)) if each.session < session else each
            for each in series.before
        ),
        actions=tuple(
            replace(each, amount=rescaled(each.amount, times)) if each.session < session else each
            for each in series.actions
        ),
    )


def _log_returns(bars: Sequence[Bar]) -> Sequence[float]:
    return array("d", (math.log(after.close / before.close) for before, after in pairwise(bars)))


def _deviation(returns: Sequence[float], lookback: int) -> float | None:
    if len(returns) < lookback:
        return None
    mean = math.fsum(returns) / lookback
    return math.sqrt(math.fsum((each - mean) ** 2 for each in returns) / (lookback - 1))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The sessions each market is known to have had, as far as any of its instruments traded."""

    sessions: Mapping[str, tuple[date, ...]]

    def missing(self, market: str, after: date, before: date) -> tuple[date, ...]:
        """Return the market's sessions strictly between two dates."""
        known = self.sessions.get(market, ())
        return known[bisect_right(known, after) : bisect_left(known, before)]


def calendar_of(series: Iterable[Series], market_of: Callable[[str], str]) -> Calendar:
    """Return the sessions on which any instrument of a market traded."""
    sessions: dict[str, set[date]] = defaultdict(set)
    for each in series:
        sessions[market_of(each.symbol)].update(each.sessions)
    return Calendar({market: tuple(sorted(days)) for market, days in sessions.items()})


def a_year_before(day: date) -> date:
    """Return the same date one year earlier; for 29 February the 28th."""
    leap = (day.month, day.day) == _MONTHS_29TH
    return day.replace(year=day.year - 1, day=28 if leap else day.day)
