"""Sessions as the exchanges hold them: auctions, breaks, half days, holidays and storms, as one value.

The value is filled elsewhere, from a calendar library and a list of what it misses. It knows the days between
two dates; of any other day it says that it does not know, and never guesses. Exchanges go by their market
identifier codes (ISO 10383). A session lies within one day of its exchange's zone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from bot.market.bars import Calendar

Phase = Literal["before", "open", "break", "auction", "after", "closed", "holiday", "unknown"]

_SATURDAY = 5
_A_DAY = timedelta(days=1)
# The last prints of a closing auction trickle in after it.
_LAST_PRINTS = timedelta(minutes=1)
# The exchange whose sessions stand for all of a market.
_MARKETS: Mapping[str, str] = MappingProxyType({"HK": "XHKG", "CN": "XSHG", "US": "XNYS"})
# Exchanges that close for bad weather on the day itself, and the first day on which they no longer do.
_CLOSE_FOR_STORMS: Mapping[str, date] = MappingProxyType({"XHKG": date(2024, 9, 23), "XTAI": date.max})
# Before, Southbound was also shut when its settlement fell on a holiday.
_SOUTHBOUND_ON_EVERY_COMMON_DAY = date(2023, 4, 24)


@dataclass(frozen=True, slots=True)
class SessionHours:
    """One session: continuous trading from `opens` to `closes` but for its breaks, all in UTC.

    `settled` is when the official close is known, after the closing auction; `priced` is when the opening
    auction makes the first price, where that is before the opening. `note` says what was unusual that day.
    """

    session: date
    opens: datetime
    breaks: tuple[tuple[datetime, datetime], ...]
    closes: datetime
    settled: datetime
    note: str = ""
    priced: datetime | None = None

    @property
    def begins(self) -> datetime:
        """The time of the earliest price that belongs to the session."""
        return self.priced or self.opens

    @property
    def stretches(self) -> tuple[tuple[datetime, datetime], ...]:
        """The spans of continuous trading, between the breaks."""
        starts = (self.opens, *(end for _, end in self.breaks))
        ends = (*(start for start, _ in self.breaks), self.closes)
        return tuple(zip(starts, ends, strict=True))

    def phase_at(self, moment: datetime) -> Phase:
        """Tell what the session is doing at `moment` of its own day."""
        if moment < self.opens:
            return "before"
        if moment >= self.settled:
            return "after"
        if moment >= self.closes:
            return "auction"
        return "open" if any(start <= moment < end for start, end in self.stretches) else "break"

    def trading_moments(self, step: timedelta) -> tuple[datetime, ...]:
        """Return the moments, `step` apart in each stretch, at which continuous trading can be looked at."""
        moments: list[datetime] = []
        for start, end in self.stretches:
            moment = start
            while moment < end:
                moments.append(moment)
                moment += step
        return tuple(moments)


@dataclass(frozen=True, slots=True)
class Closure:
    """A day on which no session was held though none of the usual holidays fell on it, and why."""

    day: date
    why: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The sessions of one exchange, oldest first; every day from `first` to `last` is known."""

    zone: str
    first: date
    last: date
    sessions: tuple[SessionHours, ...]
    closures: tuple[Closure, ...] = ()

    def day_of(self, moment: datetime) -> date:
        """Return the date that `moment` falls on where the exchange is."""
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def knows(self, day: date) -> bool:
        """Tell whether it is known what the exchange does on `day`."""
        return self.first <= day <= self.last

    def on(self, day: date) -> SessionHours | None:
        """Return the session of `day`."""
        index = bisect_left(self.sessions, day, key=lambda each: each.session)
        found = self.sessions[index : index + 1]
        return found[0] if found and found[0].session == day else None

    def between(self, first: date, last: date) -> Exchange:
        """Return what is known from `first` to `last`, both included."""
        return Exchange(
            self.zone,
            max(first, self.first),
            min(last, self.last),
            tuple(each for each in self.sessions if first <= each.session <= last),
            tuple(each for each in self.closures if first <= each.day <= last),
        )

    def begun(self, moment: datetime) -> SessionHours | None:
        """Return the last session that had its first price at `moment`."""
        index = bisect_right(self.sessions, moment, key=lambda each: each.begins)
        return self.sessions[index - 1] if index else None

    def closed_because(self, day: date) -> str | None:
        """Say in a word why no session is held on `day`; None where one is."""
        if self.on(day) is not None:
            return None
        for closure in self.closures:
            if closure.day == day:
                return closure.why
        if day.weekday() >= _SATURDAY:
            return "weekend"
        if day > self.last:
            return f"not known beyond {self.last}"
        return "holiday" if day >= self.first else f"not known before {self.first}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The exchanges by their codes; of one that is not there nothing is known."""

    exchanges: Mapping[str, Exchange]

    def knows(self, mic: str, day: date) -> bool:
        """Tell whether it is known what the exchange does on `day`."""
        exchange = self.exchanges.get(mic)
        return exchange is not None and exchange.knows(day)

    def is_session(self, mic: str, day: date) -> bool | None:
        """Tell whether a session is held on `day`; None where that is not known."""
        return self.exchanges[mic].on(day) is not None if self.knows(mic, day) else None

    def session_on(self, mic: str, day: date) -> SessionHours | None:
        """Return the session of `day`."""
        exchange = self.exchanges.get(mic)
        return exchange.on(day) if exchange else None

    def session_at(self, mic: str, moment: datetime) -> SessionHours | None:
        """Return the session that a price made at `moment` belongs to.

        That is from the opening auction's price to the last prints of the closing auction, breaks included.
        """
        session = self.session_begun(mic, moment)
        return session if session and moment <= session.settled + _LAST_PRINTS else None

    def session_begun(self, mic: str, moment: datetime) -> SessionHours | None:
        """Return the session that last had its first price at `moment`, however long it is over."""
        exchange = self._knowing(mic, moment)
        return exchange.begun(moment) if exchange else None

    def phase_at(self, mic: str, moment: datetime) -> Phase:
        """Tell what the exchange is doing at `moment`: a holiday is not a weekend or a storm's closure."""
        exchange = self.exchanges.get(mic)
        if exchange is None:
            return "unknown"
        day = exchange.day_of(moment)
        session = exchange.on(day)
        if session is not None:
            return session.phase_at(moment)
        if exchange.closed_because(day) == "holiday":
            return "holiday"
        return "closed" if exchange.knows(day) or day.weekday() >= _SATURDAY else "unknown"

    def closed_because(self, mic: str, day: date) -> str | None:
        """Say why no session is held: weekend, holiday, storm, or that it is not known; None where one is."""
        exchange = self.exchanges.get(mic)
        return "not known" if exchange is None else exchange.closed_because(day)

    def previous(self, mic: str, day: date) -> SessionHours | None:
        """Return the last session before `day`; None where it cannot be known."""
        exchange = self.exchanges.get(mic)
        if exchange is None or not exchange.first < day <= exchange.last + _A_DAY:
            return None
        index = bisect_left(exchange.sessions, day, key=lambda each: each.session)
        return exchange.sessions[index - 1] if index else None

    def next_open(self, mic: str, moment: datetime) -> datetime | None:
        """Return when continuous trading next starts after `moment`, be it after a break; None if unknown."""
        exchange = self._knowing(mic, moment)
        if exchange is None:
            return None
        index = bisect_right(exchange.sessions, moment, key=lambda each: each.closes)
        starts = (start for each in exchange.sessions[index : index + 2] for start, _ in each.stretches)
        return next((start for start in starts if start > moment), None)

    def sessions_between(self, mic: str, first: date, last: date) -> tuple[SessionHours, ...]:
        """Return the sessions from `first` to `last`, both included, as far as they are known."""
        exchange = self.exchanges.get(mic)
        if exchange is None:
            return ()
        start = bisect_left(exchange.sessions, first, key=lambda each: each.session)
        end = bisect_right(exchange.sessions, last, key=lambda each: each.session)
        return exchange.sessions[start:end]

    def open_minutes(self, mic: str, start: datetime, end: datetime) -> float:
        """Return how many minutes of continuous trading lie between two moments, as far as they are known."""
        exchange = self.exchanges.get(mic)
        if exchange is None or start >= end:
            return 0.0
        held = exchange.sessions
        index = bisect_right(held, start, key=lambda each: each.closes)
        seconds = 0.0
        while index < len(held) and held[index].opens < end:
            for opens, closes in held[index].stretches:
                seconds += max((min(closes, end) - max(opens, start)).total_seconds(), 0.0)
            index += 1
        return seconds / 60

    def around(self, day: date, days: int) -> Schedule:
        """Return what is known of the days up to `days` before and after `day`."""
        first, last = day - timedelta(days=days), day + timedelta(days=days)
        return Schedule({mic: each.between(first, last) for mic, each in self.exchanges.items()})

    def calendar(self) -> Calendar:
        """Return the dates of all sessions, by market and by exchange.

        Exchanges elsewhere have no market in common, and are there under their own codes only.
        """
        days = {mic: tuple(each.session for each in held.sessions) for mic, held in self.exchanges.items()}
        markets = {market: days[mic] for market, mic in _MARKETS.items() if mic in days}
        return Calendar(days | markets)

    def southbound_open(self, day: date) -> bool | None:
        """Tell whether mainland investors can trade in Hong Kong on `day`; None where that is not known.

        It was never open when either market was shut; that it is whenever both trade holds since April 2023.
        """
        held = [self.is_session("XHKG", day), self.is_session("XSHG", day)]
        if False in held:
            return False
        return None if None in held or day < _SOUTHBOUND_ON_EVERY_COMMON_DAY else True

    def _knowing(self, mic: str, moment: datetime) -> Exchange | None:
        exchange = self.exchanges.get(mic)
        return exchange if exchange is not None and exchange.knows(exchange.day_of(moment)) else None


def trades_through_storms(mic: str, day: date) -> bool:
    """Tell whether the exchange trades whatever the weather: then no prints mean that we are blind."""
    return day >= _CLOSE_FOR_STORMS.get(mic, date.min)
