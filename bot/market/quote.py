"""What a source says of an instrument now, and the one thing the engine sees of it: a look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from bot.market.bars import Bar

PartOfDay = Literal["", "before the open", "in the session", "after the close"]


@dataclass(frozen=True, slots=True)
class Due:
    """When results are due: the day in the exchange's zone and the part of it, and whether it is a guess."""

    session: date
    part: PartOfDay = ""
    estimated: bool = True


@dataclass(frozen=True, slots=True)
class Quote:
    """The state of one instrument's session at a market time.

    Prices are in the instrument's currency or in points; `high` and `low` are the session's so far. `time` is
    when the price was made, `received` when it reached us; `delay` is what the source says of itself, in
    minutes. `final` says that the price is the session's official close. `reconstructed` prices were never
    printed: a recorded day is walked through between the prices that are known of it. `results` says when the
    company reports next, where the source knows; `note` tells a reader what to know of the price itself, such
    as that it was held until a second look agreed.
    """

    symbol: str
    price: float
    session: date
    time: datetime
    received: datetime
    source: str
    delay: int = 0
    final: bool = False
    open: float | None = None
    high: float | None = None
    low: float | None = None
    previous_close: float | None = None
    volume: float | None = None
    adjusted: bool = False
    reconstructed: bool = False
    results: Due | None = None
    note: str = ""

    @property
    def bar(self) -> Bar:
        """The session so far as a bar, its close the last price."""
        return Bar(self.session, self.price, self.open, self.high, self.low, self.volume, self.adjusted)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an instrument: the last price, and the highest and lowest since the look before."""

    symbol: str
    session: date
    time: datetime
    price: float
    high: float
    low: float
    final: bool
    adjusted: bool = False


def settled_quote(symbol: str, bar: Bar, settled: datetime, source: str) -> Quote:
    """Return the quote that a recorded bar amounts to: its session's official close, known at `settled`."""
    return Quote(
        symbol=symbol,
        price=bar.close,
        session=bar.session,
        time=settled,
        received=settled,
        source=source,
        final=True,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        volume=bar.volume,
        adjusted=bar.adjusted,
    )


def look_at_bar(symbol: str, bar: Bar, settled: datetime) -> Look:
    """Make the one final look that a recorded bar allows."""
    return Look(
        symbol, bar.session, settled, bar.close, bar.top, bar.bottom, final=True, adjusted=bar.adjusted
    )


def look_between(before: Quote | None, now: Quote, yesterday: Bar | None = None) -> Look | None:
    """Return what is new in `now` since `before`, or None if nothing is.

    An extreme of the session counts only where it goes beyond the one known before. In a session's first look
    whatever was reached is new, if the range is surely of this session: some sources still give that of
    `yesterday`, the bar before, when a new session's first price is made. It is where it holds the open or is
    an official close's.
    """
    if before is not None:
        if now.time < before.time or now.session < before.session:
            return None
        same = before.session == now.session
        if same and (now.time, now.price, now.final) == (before.time, before.price, before.final):
            return None
        if not same:
            yesterday = yesterday or before.bar
    high, low = now.high or now.price, now.low or now.price
    # Within a session a range only widens: one that shrank was of another session.
    if before is not None and same and high >= (before.high or high) and low <= (before.low or low):
        high = high if high > (before.high or before.price) else now.price
        low = low if low < (before.low or before.price) else now.price
    elif _is_of_another(now, yesterday) or not (now.final or now.open is not None):
        high = low = now.price
    return _look(now, high, low)


def look_so_far(quote: Quote, yesterday: Bar | None = None) -> Look:
    """Return all that a session had reached by a quote that was looked at."""
    if _is_of_another(quote, yesterday):
        return _look(quote, quote.price, quote.price)
    return _look(quote, quote.high or quote.price, quote.low or quote.price)


def _look(quote: Quote, high: float, low: float) -> Look:
    top, bottom = max(high, quote.price), min(low, quote.price)
    return Look(
        quote.symbol, quote.session, quote.time, quote.price, top, bottom, quote.final, quote.adjusted
    )


def _is_of_another(quote: Quote, yesterday: Bar | None) -> bool:
    """Tell whether a range is of another session: equal to the bar before, or without the session's open."""
    reached = (quote.high, quote.low)
    if None not in reached and yesterday is not None and reached == (yesterday.high, yesterday.low):
        return True
    if quote.final or quote.open is None:
        return False
    high, low = quote.high or quote.price, quote.low or quote.price
    return not low <= quote.open <= high
