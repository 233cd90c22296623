"""Prices between two looks, as a stream tells them, and which of them are believed.

Looks are the truth: a tick only brings forward what the next look would have said. It is believed where it
follows on from the last look and from the ticks believed since; any other is left to the next look.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from bot.market.agreement import COMPARABLE, agreement
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule, SessionHours
from bot.market.sessions import regular_hours

Refusal = Literal[
    "not looked at yet",
    "in another currency",
    "after the official close",
    "outside the session",
    "older than one seen",
    "contradicted by looks",
    "a leap",
    "far from the last price",
]

# Farther from the previous close than this, a price is held until a second look bears it out. The stream that
# repeats what a look of the same source said is no second look, so such prices are left to looks alone.
_LEAP = 1.25
_A_MINUTE = timedelta(minutes=1)
# One tick a minute is remembered, for as long as a delayed look can still be compared with it.
_REMEMBERED = COMPARABLE // _A_MINUTE


@dataclass(frozen=True, slots=True)
class Tick:
    """One trade or quote as a stream tells it, by the canonical symbol; what it does not say is None.

    `high`, `low` and `volume` are the session's so far.
    """

    symbol: str
    price: float
    time: datetime
    received: datetime
    currency: str | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None


@dataclass(frozen=True, slots=True)
class _Believed:
    tick: Tick
    quote: Quote


@dataclass(slots=True)
class Trust:
    """What the ticks of one instrument are worth, by what looks say of it.

    Once `contradicted`, no tick counts until a later look and the stream say the same.
    """

    instrument: Instrument
    schedule: Schedule
    contradicted: bool = False
    _looked: Quote | None = None
    _believed: _Believed | None = None
    _told: deque[Tick] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    @property
    def looked(self) -> Quote | None:
        """What the last look said."""
        return self._looked

    def look(self, quote: Quote) -> Tick | None:
        """Take up what a look says; return the tick that it contradicts.

        A delayed look is compared with what the stream said at its time. One that is older than the one
        before, or repeats it, says nothing new.
        """
        before = self._looked
        if before is not None and (quote.session, quote.time) < (before.session, before.time):
            return None
        self._looked = quote
        if before is not None and before.session != quote.session:
            self._believed = None
            self._told.clear()
        elif before is not None and (quote.time, quote.price) == (before.time, before.price):
            return None
        tick = next((each for each in reversed(self._told) if each.time <= quote.time), None)
        hours = _hours(self.instrument, quote.session, self.schedule)
        if tick is None or hours is None or _traded(hours, tick.time, quote.time) > COMPARABLE:
            return None
        self.contradicted = not _follows(quote, tick, self.instrument, hours)
        if not self.contradicted:
            return None
        self._believed = None
        return tick

    def believe(self, tick: Tick) -> Quote | Refusal:
        """Return the quote that a tick amounts to, or why it is left to the next look."""
        looked = self._looked
        if looked is None:
            return "not looked at yet"
        hours = _hours(self.instrument, looked.session, self.schedule)
        if hours is None or not _is_within(hours, tick.time, self.instrument, self.schedule):
            return "outside the session"
        refusal = self._refusal(tick, looked, hours)
        if refusal is not None:
            return refusal
        quote = self._quote(tick, looked, hours)
        self._believed = _Believed(tick, quote)
        return quote

    def _refusal(self, tick: Tick, looked: Quote, hours: SessionHours) -> Refusal | None:
        if tick.currency and self.instrument.currency and tick.currency != self.instrument.currency:
            return "in another currency"
        if looked.final:
            return "after the official close"
        self._remember(tick)
        if tick.time < self._newest(looked).time:
            return "older than one seen"
        if self.contradicted:
            return "contradicted by looks"
        if _is_leap(tick.price, looked.previous_close):
            return "a leap"
        near = _follows(self._newest(looked), tick, self.instrument, hours)
        return None if near else "far from the last price"

    def _newest(self, looked: Quote) -> Quote:
        """Return the last price believed: the look's, or that of a tick which is newer than a delayed look.

        In a fast market a look of a quarter of an hour ago is far from every true price, and the tick of a
        second ago is not.
        """
        if self._believed is not None and self._believed.quote.time > looked.time:
            return self._believed.quote
        return looked

    def _quote(self, tick: Tick, looked: Quote, hours: SessionHours) -> Quote:
        """Say of the session what the look says, and of the price what the tick says.

        A price cannot be further behind than it is old, so a prompt tick has no delay whatever looks have. It
        is never the official close: only a look says that.
        """
        high, low = self._range(tick, looked, hours)
        age = max((tick.received - tick.time) // _A_MINUTE, 0)
        return replace(
            looked,
            price=tick.price,
            time=tick.time,
            received=tick.received,
            delay=min(looked.delay, age),
            high=high,
            low=low,
            volume=max(_known(looked.volume, tick.volume), default=None),
            note="",
        )

    def _range(self, tick: Tick, looked: Quote, hours: SessionHours) -> tuple[float | None, float | None]:
        """Return the session's range: what was believed of it, and what the tick adds to it.

        At the opening a stream may still tell yesterday's range. So an extreme of its own counts only where
        it goes beyond the one that the tick before told, for then it was made in between, and only where a
        price would be believed. Where looks know no range, neither do we.
        """
        held = self._believed
        highs, lows = [tick.price], [tick.price]
        if held is not None:
            highs += _known(held.quote.high)
            lows += _known(held.quote.low)
            if tick.high is not None and held.tick.high is not None and tick.high > held.tick.high:
                highs += self._credible(tick.high, tick, looked, hours)
            if tick.low is not None and held.tick.low is not None and tick.low < held.tick.low:
                lows += self._credible(tick.low, tick, looked, hours)
        return (
            None if looked.high is None else max(looked.high, *highs),
            None if looked.low is None else min(looked.low, *lows),
        )

    def _credible(self, extreme: float, tick: Tick, looked: Quote, hours: SessionHours) -> list[float]:
        leaps = _is_leap(extreme, looked.previous_close)
        there = replace(tick, price=extreme)
        near = _follows(self._newest(looked), there, self.instrument, hours)
        return [extreme] if near and not leaps else []

    def _remember(self, tick: Tick) -> None:
        told = self._told
        if told and tick.time < told[-1].time:
            return
        if told and _minute(tick.time) == _minute(told[-1].time):
            told.pop()
        told.append(tick)


def _hours(instrument: Instrument, session: date, schedule: Schedule) -> SessionHours | None:
    """Return the hours of a session: as the schedule has them, else those of a market's regular day."""
    held = schedule.session_on(instrument.exchange, session)
    if held is not None or schedule.knows(instrument.exchange, session) or instrument.market == "other":
        return held
    return regular_hours(instrument.market, session)


def _is_within(hours: SessionHours, moment: datetime, instrument: Instrument, schedule: Schedule) -> bool:
    if schedule.knows(instrument.exchange, hours.session):
        return schedule.session_at(instrument.exchange, moment) == hours
    return hours.begins <= moment <= hours.settled


def _traded(hours: SessionHours, start: datetime, end: datetime) -> timedelta:
    """Return how much of a session lies between two moments of it, auctions included and breaks not."""
    apart = end - start
    for begins, ends in hours.breaks:
        apart -= max(min(ends, end) - max(begins, start), timedelta(0))
    return apart


def _follows(seen: Quote, tick: Tick, instrument: Instrument, hours: SessionHours) -> bool:
    """Tell whether the market can have gone from one price to another, whichever of them was first.

    They may be as far apart as those of two sources, by the minutes between them. Only trading moves a price,
    so breaks do not count; and twenty minutes are the most that do, or after a quiet hour any price would be
    likely.
    """
    first, last = sorted((seen.time, tick.time))
    apart = min(_traded(hours, first, last), COMPARABLE)
    before = replace(seen, time=tick.time - apart)
    after = replace(seen, price=tick.price, time=tick.time, high=tick.high, low=tick.low)
    return agreement(before, after, instrument.kind) == "agree"


def _is_leap(price: float, previous_close: float | None) -> bool:
    if previous_close is None or previous_close <= 0:
        return False
    return not previous_close / _LEAP <= price <= previous_close * _LEAP


def _known(*values: float | None) -> list[float]:
    return [each for each in values if each is not None]


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
