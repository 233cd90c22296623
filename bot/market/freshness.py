"""What a price is worth now, judged by its market time and by the hours of its exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from bot.market.instrument import Instrument
from bot.market.limits import Limit, limit_reached
from bot.market.quote import Quote
from bot.market.schedule import Schedule

State = Literal[
    "fresh",
    "delayed",
    "stale",
    "before the open",
    "closed",
    "official close",
    "halted",
    "limit up",
    "limit down",
]
"""In the order in which they exclude each other:

- of an earlier session than the present one: `before the open` until a price of it can have come, then
  `halted`, and an index, which nobody halts, `stale`;
- of a session that is over: `official close`, or `closed` while that is not here;
- of a session under way: `stale` when it is more minutes of trading old than its delay and `STALE_AFTER`,
  otherwise `delayed` or `fresh`.

A share at its daily limit is `limit up` or `limit down` in place of the closes, `delayed` and `fresh`.
"""

STALE_AFTER = 10.0
"""Minutes of open trading beyond the delay that a price may be old."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a price is worth now.

    `delay` is how many minutes the source says it is behind, `behind` how many minutes of open trading lie
    between the price and now beyond that delay. `zone` is the exchange's, "" where it is not known. Where the
    exchange's hours are not known, nothing but the quote's own word can be told of it: then `unjudged` is how
    many minutes ago the price reached us, and it is None elsewhere.
    """

    state: State
    delay: int
    behind: float
    zone: str = ""
    unjudged: float | None = None


def freshness(
    quote: Quote,
    instrument: Instrument,
    schedule: Schedule,
    now: datetime,
    previous_close: float | None = None,
) -> Freshness:
    """Tell how fresh a quote is at `now`; `previous_close` is the one known beside the quote's own.

    Only trading makes a price old: no break, night or holiday does. One quote cannot tell a share that is
    halted from one that nobody trades, or from a source that is dead. So `halted` is kept for a share without
    a trade in a present session that is old enough to have brought one; a share that stands still within its
    session is `stale`, whatever the cause.
    """
    mic = instrument.exchange
    held = schedule.exchanges.get(mic)
    zone = held.zone if held else ""
    begun = schedule.session_begun(mic, now)
    state = _as_it_says(quote, instrument, previous_close)
    if begun is None:
        since = max((now - quote.received).total_seconds() / 60, 0.0)
        return Freshness(state, quote.delay, 0.0, zone, since)
    behind = max(schedule.open_minutes(mic, quote.time, now) - quote.delay, 0.0)
    made = schedule.session_begun(mic, quote.time)
    session = made.session if made else quote.session
    if session < begun.session:
        state = _of_an_earlier_session(quote, instrument, schedule, session, now)
    elif not quote.final and now >= begun.closes:
        state = state if state in get_args(Limit) else "closed"
    elif not quote.final and behind > STALE_AFTER:
        state = "stale"
    return Freshness(state, quote.delay, behind, zone)


def _as_it_says(quote: Quote, instrument: Instrument, previous_close: float | None) -> State:
    """Return what the quote itself says, whatever the time."""
    for before in (previous_close, quote.previous_close):
        limit = limit_reached(quote.symbol, instrument.exchange, quote.session, quote.price, before)
        if limit is not None:
            return limit
    return "official close" if quote.final else "delayed" if quote.delay else "fresh"


def _of_an_earlier_session(
    quote: Quote, instrument: Instrument, schedule: Schedule, session: date, now: datetime
) -> State:
    held = schedule.session_on(instrument.exchange, session)
    over = quote.time if held is None else max(quote.time, held.closes)
    # What trades at the opening is seen after the delay, and not everything trades at once.
    if schedule.open_minutes(instrument.exchange, over, now) <= quote.delay + STALE_AFTER:
        return "before the open"
    return "stale" if instrument.kind == "index" else "halted"
