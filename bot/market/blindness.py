"""Blindness: an exchange trades, and no new price of it comes in.

That every watched name stands still for long while its exchange is open does not happen; that a source is
silent, limits us or repeats itself does. So the time of an exchange's newest price tells whether we see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule, trades_through_storms

# A few stocks alone may well have no trade for half an hour; an index has a price every minute.
_ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of an exchange: when its newest price was made, and how late its source says it is.

    `newest` is None before the first price; `delay` is in minutes. `lively` says that something there trades
    at any time: an index is watched, or several names are.
    """

    exchange: str
    newest: datetime | None
    delay: int
    lively: bool


@dataclass(frozen=True, slots=True)
class Blind:
    """An exchange that we do not see: since its last price seen, or since its session began without one.

    `outage` names what it shares with the exchanges that we ceased to see before we saw all again.
    """

    exchange: str
    since: datetime
    outage: str


def sights(instruments: Iterable[Instrument], quotes: Mapping[str, Quote]) -> tuple[Sight, ...]:
    """Return what is seen of each exchange on which something is watched."""
    watched: dict[str, list[Instrument]] = {}
    for each in instruments:
        watched.setdefault(each.exchange, []).append(each)
    found: list[Sight] = []
    for exchange, held in watched.items():
        seen = [quotes[each.symbol] for each in held if each.symbol in quotes]
        newest = max((each.time for each in seen), default=None)
        # The slowest of them must be given its time, or a delayed index would make its exchange look dark.
        delay = max((each.delay for each in seen), default=0)
        lively = len(held) >= _ENOUGH or any(each.kind == "index" for each in held)
        found.append(Sight(exchange, newest, delay, lively))
    return tuple(found)


def blind_since(sight: Sight, schedule: Schedule, now: datetime, patience: float) -> datetime | None:
    """Return since when nothing was seen of an exchange that trades at `now`; None while it may be seen.

    `patience` is in minutes of continuous trading, beyond the delay that the source says of itself: lunch,
    nights and holidays make nobody blind.
    """
    opened = _session_opened(sight.exchange, schedule, now)
    if opened is None:
        return None
    since = opened if sight.newest is None else max(opened, sight.newest)
    dark = schedule.open_minutes(sight.exchange, since, now)
    return since if dark > sight.delay + patience else None


def sees_again(blind: Blind, sight: Sight, schedule: Schedule, now: datetime, patience: float) -> bool:
    """Tell whether prices of an exchange come in again: a newer one is there, and it is not an old one."""
    newer = sight.newest is not None and sight.newest > blind.since
    return newer and blind_since(sight, schedule, now, patience) is None


def sessions_missed(blind: Blind, schedule: Schedule, until: datetime) -> tuple[date, ...]:
    """Return the sessions that began and ended while nothing was seen of their exchange."""
    first, last = blind.since.date(), until.date()
    held = schedule.sessions_between(blind.exchange, first, last)
    return tuple(each.session for each in held if blind.since <= each.opens and each.settled < until)


def weather_may_close(exchange: str, day: date) -> bool:
    """Tell whether no prints on `day` may also mean that the exchange is shut for a storm."""
    return not trades_through_storms(exchange, day)


def _session_opened(exchange: str, schedule: Schedule, now: datetime) -> datetime | None:
    session = schedule.session_at(exchange, now)
    return None if session is None else session.opens
