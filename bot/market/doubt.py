"""Why a quote is held back instead of being looked at, and when it is believed after all.

A price that cannot be told from a fault is never told: it is looked at again. What only one look has seen is
dropped; what a later look and the history bear out is told, with what made us wait.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from bot.market.bars import Series
from bot.market.freshness import STALE_AFTER, freshness
from bot.market.instrument import Instrument
from bot.market.quote import Quote
from bot.market.schedule import Schedule

Why = Literal[
    "another previous close",
    "beyond belief",
    "outside its own range",
    "older than one seen",
    "not of a session",
    "stale",
    "not seen again",
]

# How far the previous close may be from the close that we hold: exchanges round, and so do sources.
_SAME_CLOSE = 0.005
_SAME_PRICE = 0.02
# A price may be newer than the range that came with it.
_RANGE_LAGS = 0.005
_OPEN_LAGS = 0.02
_LEAST_TIMES = 1.25
_LEAST_LEAP = math.log(_LEAST_TIMES)
_LEAP_SIGMAS = 10
_SIGMA_DAYS = 60
# From three new shares of two on, a split may explain it, and the bars are asked for it before it is told.
_AS_A_SPLIT = math.log(1.5)
_FOR_A_SPLIT = timedelta(minutes=10)
# Where it is the very number that shares are split by, a source that is late with the split is likelier than
# a crash to that price.
_SPLIT_BY = (1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 30, 40, 50, 100)
_NEARLY = 0.1
_FOR_A_LIKELY_SPLIT = timedelta(minutes=30)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a quote is held back, and in words what was seen.

    `as_a_split` is a move that a split could be, and `patience` how long the bars then have to tell of one.
    """

    why: Why
    said: str
    as_a_split: bool = False
    patience: timedelta = _FOR_A_SPLIT

    @property
    def of_the_bars(self) -> bool:
        """Whether it may be our bars that are wrong, or old."""
        return self.as_a_split or self.why == "another previous close"


def doubt(
    quote: Quote, instrument: Instrument, history: Series, before: Quote | None, schedule: Schedule | None
) -> Doubt | None:
    """Say why `quote` must be held back, or None.

    `history` holds the bars before its session, `before` is the last quote that was believed. What is not
    known raises no doubt: of a day that the schedule does not know, neither its age nor its previous close
    can be judged.
    """
    known = schedule or Schedule({})
    return (
        _stale(quote, instrument, known)
        or _outside_its_range(quote)
        or _previous_close(quote, instrument, history, known)
        or _beyond_belief(quote, instrument, history, before, known)
    )


def _stale(quote: Quote, instrument: Instrument, schedule: Schedule) -> Doubt | None:
    """Doubt an old price of a session that is still under way; an official close never is one."""
    if quote.received - quote.time <= timedelta(minutes=quote.delay + STALE_AFTER):
        return None
    session = schedule.session_on(instrument.exchange, quote.session)
    if quote.final or session is None:
        return None
    if quote.received > session.settled + timedelta(minutes=quote.delay):
        return None
    behind = freshness(quote, instrument, schedule, quote.received).behind
    if behind <= STALE_AFTER:
        return None
    return Doubt("stale", f"{behind:.0f} minutes of trading older than its source says")


def _outside_its_range(quote: Quote) -> Doubt | None:
    for what, price, slack in (("price", quote.price, _RANGE_LAGS), ("open", quote.open, _OPEN_LAGS)):
        if price is None:
            continue
        if quote.high is not None and price > quote.high * (1 + slack):
            return Doubt("outside its own range", f"the {what} {price!r} is above the high {quote.high!r}")
        if quote.low is not None and price < quote.low * (1 - slack):
            return Doubt("outside its own range", f"the {what} {price!r} is below the low {quote.low!r}")
    return None


def _previous_close(
    quote: Quote, instrument: Instrument, history: Series, schedule: Schedule
) -> Doubt | None:
    said = quote.previous_close
    if said is None or (history.bars and _same(said, history.bars[-1].close)):
        return None
    held = _close_before(quote, instrument, history, schedule)
    if held is None or any(_same(said, each) for each in _explained(held, history, quote)):
        return None
    return Doubt("another previous close", f"{said!r}, where our bar has {held!r}")


def _close_before(quote: Quote, instrument: Instrument, history: Series, schedule: Schedule) -> float | None:
    """Return the close that we hold of the last session that it traded in, where it is one as traded."""
    previous = schedule.previous(instrument.exchange, quote.session)
    last = history.bars[-1] if history.bars else None
    if previous is None or last is None or last.adjusted:
        return None
    between = schedule.sessions_between(instrument.exchange, last.session + _A_DAY, previous.session)
    return last.close if all(each.session in history.untraded for each in between) else None


def _explained(close: float, history: Series, quote: Quote) -> Iterator[float]:
    """Give what the previous close may be said to be: as we hold it, or before or after what was given.

    The bars are in shares of after a split; a source may still say its previous close in those of before.
    """
    given = [each for each in history.actions if history.bars[-1].session < each.session <= quote.session]
    yield from _worth(history, quote)
    yield close / math.prod(each.factor for each in given)


def _worth(history: Series, quote: Quote) -> Iterator[float]:
    """Give the last close with and without what was distributed since, in shares of today."""
    for last in history.bars[-1:]:
        given = (each.amount for each in history.actions if last.session < each.session <= quote.session)
        yield last.close
        yield last.close - math.fsum(given)


def _same(said: float, held: float) -> bool:
    return abs(said - held) <= _SAME_CLOSE * abs(held)


def _near(quote: Quote, close: float) -> bool:
    """Tell whether all that a quote says is so near to a close that it needs no further thought."""
    low, high = close / _LEAST_TIMES, close * _LEAST_TIMES
    return all(each is None or low <= each <= high for each in (quote.price, quote.high, quote.low))


def _beyond_belief(
    quote: Quote, instrument: Instrument, history: Series, before: Quote | None, schedule: Schedule
) -> Doubt | None:
    """Doubt a leap from what was believed last: the price before in this session, or the close before it."""
    if history.bars and _near(quote, history.bars[-1].close):
        return None
    believed = [*_worth(history, quote)]
    if before is not None and before.session == quote.session:
        believed.append(before.price)
    if not believed:
        return None
    sigma = history.sigma(len(history.bars), _SIGMA_DAYS) if history.bars else None
    limit = min(max(_LEAST_LEAP, _LEAP_SIGMAS * (sigma or 0.0)), _AS_A_SPLIT)
    reached = (each for each in (quote.price, quote.high, quote.low) if each is not None)
    leaps = (min((math.log(price / each) for each in believed), key=abs) for price in reached)
    leap = max(leaps, key=abs)
    if abs(leap) <= limit:
        return None
    held = _close_before(quote, instrument, history, schedule)
    if held is not None and quote.previous_close is not None and not _same(quote.previous_close, held):
        # It is in shares of another number than the bars are, and so may the price be.
        return Doubt("another previous close", f"{quote.previous_close!r}, where our bar has {held!r}")
    moved = f"{abs(math.expm1(leap)) * 100:.0f}% in one look"
    times = math.exp(abs(leap))
    likely = any(abs(times / each - 1) <= _NEARLY for each in _SPLIT_BY)
    patience = _FOR_A_LIKELY_SPLIT if likely else _FOR_A_SPLIT
    return Doubt("beyond belief", moved, as_a_split=abs(leap) >= _AS_A_SPLIT, patience=patience)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A price that is not believed yet: what it is, when it was made, why it waits, and what was seen."""

    price: float
    time: datetime
    why: Why
    said: str


@dataclass(frozen=True, slots=True)
class _Held:
    quote: Quote
    doubt: Doubt
    since: datetime


@dataclass(slots=True)
class Holding:
    """What is held back, and how often what was: `counts` by reason, each instrument once a session."""

    counts: Counter[str] = field(default_factory=Counter)
    _held: dict[str, _Held] = field(default_factory=dict)
    _counted: dict[tuple[str, str], date] = field(default_factory=dict)

    @property
    def waiting(self) -> dict[str, HeldBack]:
        """What is held back at present, by symbol."""
        return {
            symbol: HeldBack(each.quote.price, each.quote.time, each.doubt.why, each.doubt.said)
            for symbol, each in self._held.items()
        }

    def count(self, symbol: str, why: Why, session: date) -> bool:
        """Count what was held or dropped; tell whether it is the first of its kind in its session."""
        if self._counted.get((symbol, why)) == session:
            return False
        self._counted[symbol, why] = session
        self.counts[why] += 1
        return True

    def believed(self, quote: Quote) -> Doubt | None:
        """Take note that nothing is held against `quote`; return the doubt of an earlier one it disproves."""
        held = self._held.pop(quote.symbol, None)
        if held is None or held.doubt.why != "beyond belief" or held.quote.session != quote.session:
            return None
        return held.doubt

    def seen_again(self, quote: Quote, found: Doubt, asked: datetime | None) -> Quote | None:
        """Hold `quote` for what was `found`; return it with its note where a later look bears it out.

        Only a leap is borne out by being seen again. One that a split could be waits until the bars, `asked`
        for last, had the time to tell of one.
        """
        held = self._held.get(quote.symbol)
        again = held is not None and found.why == held.doubt.why and _agree(held.quote, quote)
        since = held.since if held is not None and again else quote.received
        self._held[quote.symbol] = _Held(quote, found, since)
        if not again or found.why != "beyond belief":
            return None
        if found.as_a_split and (asked is None or asked < since + found.patience):
            return None
        del self._held[quote.symbol]
        minutes = max(round((quote.received - since) / timedelta(minutes=1)), 1)
        return replace(quote, note=f"held for {minutes} min: {found.said}, and seen again")


def _agree(before: Quote, now: Quote) -> bool:
    later = now.time > before.time or now.received > before.received
    return later and before.session == now.session and abs(now.price / before.price - 1) <= _SAME_PRICE
